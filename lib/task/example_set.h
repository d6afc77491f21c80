// Regression on a table of examples: rows of inputs and targets that someone measured.
//
// Both are standardised with the mean and deviation of the training rows, so a loss is in units of
// the targets' variance. Training examples are taken epoch by epoch, each in a counter-based random
// order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "task/task.h"

namespace einsearch {

/// Rows of numbers, (count, inputs) and (count, outputs), row-major.
struct ExampleTable {
  Count count = 0;
  Index inputs = 0;
  Index outputs = 0;
  std::vector<double> x;
  std::vector<double> y;
};

/// A table, split and standardised.
struct ExampleSet {
  ExampleTable training;
  ExampleTable held_out;
  std::string digest;  ///< of the table and the split; stands for the data in a run's identity

  bool operator==(const ExampleSet& other) const { return digest == other.digest; }
};

/// Moves `held_out` rows, chosen by the seed, to the held-out set and standardises both. A column
/// without variance among the training rows is only centred.
ExampleSet split_and_standardise(const ExampleTable& table,
                                 Count held_out,
                                 std::uint64_t seed_task);

struct ExampleSetOptions {
  std::shared_ptr<const ExampleSet> data;
  std::uint64_t seed_data = 0;  ///< order of the training rows
  std::uint64_t seed_task = 0;  ///< the split that `data` was made with

  bool operator==(const ExampleSetOptions&) const = default;
};

template <typename Scalar>
class ExampleSetTask final : public Task<Scalar> {
 public:
  explicit ExampleSetTask(const ExampleSetOptions& options) : options_(options) {}

  std::string name() const override { return "regression"; }
  Index inputs() const override { return options_.data->training.inputs; }
  Index outputs() const override { return options_.data->training.outputs; }
  std::optional<double> examples_per_epoch() const override {
    return static_cast<double>(options_.data->training.count);
  }
  std::optional<Count> held_out_size() const override { return options_.data->held_out.count; }
  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;
  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;

 private:
  ExampleSetOptions options_;
};

}  // namespace einsearch
