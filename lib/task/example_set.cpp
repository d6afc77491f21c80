#include "task/example_set.h"

#include <fmt/format.h>

#include <cmath>

#include "base/digest.h"
#include "base/random.h"
#include "task/epochs.h"

namespace einsearch {
namespace {

std::span<const std::uint8_t> bytes_of(const std::vector<double>& numbers) {
  return {reinterpret_cast<const std::uint8_t*>(numbers.data()), numbers.size() * sizeof(double)};
}

void append_row(const ExampleTable& from, Count row, ExampleTable& to) {
  const auto copy = [row](const std::vector<double>& source, Index columns, auto& target) {
    const auto first = source.begin() + row * columns;
    target.insert(target.end(), first, first + columns);
  };
  copy(from.x, from.inputs, to.x);
  copy(from.y, from.outputs, to.y);
  ++to.count;
}

/// Centres and scales each column of both by the mean and deviation of `training`.
void standardise(Index columns, std::vector<double>& training, std::vector<double>& held_out) {
  const auto step = static_cast<std::size_t>(columns);
  for (std::size_t column = 0; column < step; ++column) {
    double sum = 0, squares = 0;
    for (std::size_t i = column; i < training.size(); i += step) sum += training[i];
    const auto rows = static_cast<double>(training.size() / step);
    const double mean = sum / rows;
    for (std::size_t i = column; i < training.size(); i += step)
      squares += (training[i] - mean) * (training[i] - mean);
    const double deviation = std::sqrt(squares / rows);
    const double scale = deviation > 0 ? 1 / deviation : 1;
    for (std::vector<double>* values : {&training, &held_out}) {
      for (std::size_t i = column; i < values->size(); i += step)
        (*values)[i] = ((*values)[i] - mean) * scale;
    }
  }
}

template <typename Scalar>
void put_row(const ExampleTable& table,
             Count row,
             Index sample,
             BlockView<Scalar> inputs,
             BlockView<Scalar> targets) {
  for (Index f = 0; f < table.inputs; ++f) {
    inputs.row(f)[sample] =
        static_cast<Scalar>(table.x[static_cast<std::size_t>(row * table.inputs + f)]);
  }
  for (Index f = 0; f < table.outputs; ++f) {
    targets.row(f)[sample] =
        static_cast<Scalar>(table.y[static_cast<std::size_t>(row * table.outputs + f)]);
  }
}

}  // namespace

ExampleSet split_and_standardise(const ExampleTable& table,
                                 Count held_out,
                                 std::uint64_t seed_task) {
  ExampleSet set;
  for (ExampleTable* part : {&set.training, &set.held_out}) {
    part->inputs = table.inputs;
    part->outputs = table.outputs;
  }
  const RandomPermutation order(
      seed_task, EpochOrder::kSplit, static_cast<std::uint64_t>(table.count));
  for (Count row = 0; row < table.count; ++row) {
    const bool is_held_out = static_cast<Count>(order(static_cast<std::uint64_t>(row))) < held_out;
    append_row(table, row, is_held_out ? set.held_out : set.training);
  }
  standardise(table.inputs, set.training.x, set.held_out.x);
  standardise(table.outputs, set.training.y, set.held_out.y);
  ContentDigest contents;
  contents.update(bytes_of(table.x));
  contents.update(bytes_of(table.y));
  set.digest = digest(fmt::format(
      "{} {} {} {} {}", table.count, table.inputs, table.outputs, held_out, contents.text()));
  return set;
}

template <typename Scalar>
void ExampleSetTask<Scalar>::training_examples(Count first,
                                               BlockView<Scalar> inputs,
                                               BlockView<Scalar> targets) const {
  const ExampleTable& table = options_.data->training;
  EpochOrder order(options_.seed_data, table.count);
  for (Index n = 0; n < inputs.samples; ++n)
    put_row(table, order.place(first + n), n, inputs, targets);
}

template <typename Scalar>
void ExampleSetTask<Scalar>::held_out_examples(Count first,
                                               BlockView<Scalar> inputs,
                                               BlockView<Scalar> targets) const {
  const ExampleTable& table = options_.data->held_out;
  for (Index n = 0; n < inputs.samples; ++n)
    put_row(table, (first + n) % table.count, n, inputs, targets);
}

template class ExampleSetTask<float>;
template class ExampleSetTask<double>;

}  // namespace einsearch
