// A task whose first examples are kept in memory, for runs that share them: at equal seeds every
// structure sees the same examples, and making those (labels come from a large network) can cost as
// much as training a small proxy.
#pragma once

#include <algorithm>

#include "task/task.h"

namespace einsearch {

template <typename Scalar>
class CachedTask final : public Task<Scalar> {
 public:
  /// Keeps training examples 0 ... training - 1 and held-out examples 0 ... held_out - 1; others go
  /// to `source`, which must outlive this. Memory: (inputs + outputs) (training + held_out)
  /// scalars.
  template <typename ForEach>
  CachedTask(const Task<Scalar>& source, Count training, Count held_out, const ForEach& for_each)
      : source_(source), training_(source, training), held_out_(source, held_out) {
    training_.load(for_each, [&](auto... block) { source.training_examples(block...); });
    held_out_.load(for_each, [&](auto... block) { source.held_out_examples(block...); });
  }

  std::string name() const override { return source_.name(); }
  Index inputs() const override { return source_.inputs(); }
  Index outputs() const override { return source_.outputs(); }
  Index vocabulary() const override { return source_.vocabulary(); }
  std::optional<double> entropy() const override { return source_.entropy(); }
  std::optional<double> examples_per_epoch() const override { return source_.examples_per_epoch(); }
  std::optional<Count> held_out_size() const override { return source_.held_out_size(); }

  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override {
    if (!training_.copy_to(first, inputs, targets))
      source_.training_examples(first, inputs, targets);
  }
  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override {
    if (!held_out_.copy_to(first, inputs, targets))
      source_.held_out_examples(first, inputs, targets);
  }

 private:
  struct Store {
    Store(const Task<Scalar>& source, Count size)
        : count(size),
          memory((source.inputs() + source.outputs()) * size),
          inputs{memory.data(), source.inputs(), size, size},
          targets{inputs.row(source.inputs()), source.outputs(), size, size} {}

    template <typename ForEach, typename Make>
    void load(const ForEach& for_each, const Make& make) {
      constexpr Count kBlock = 1024;
      for_each((count + kBlock - 1) / kBlock, [&](Index block) {
        const Count first = block * kBlock, samples = std::min(kBlock, count - first);
        make(first,
             BlockView<Scalar>{inputs.data + first, inputs.features, samples, count},
             BlockView<Scalar>{targets.data + first, targets.features, samples, count});
      });
    }

    bool copy_to(Count first, BlockView<Scalar> x, BlockView<Scalar> y) const {
      if (first + x.samples > count) return false;
      for (Index f = 0; f < x.features; ++f)
        std::copy_n(inputs.row(f) + first, x.samples, x.row(f));
      for (Index f = 0; f < y.features; ++f)
        std::copy_n(targets.row(f) + first, y.samples, y.row(f));
      return true;
    }

    Count count;
    AlignedBuffer<Scalar> memory;
    BlockView<Scalar> inputs, targets;
  };

  const Task<Scalar>& source_;
  Store training_, held_out_;
};

}  // namespace einsearch
