// Examples of a task, copied out for tests.
#pragma once

#include <vector>

#include "task/task.h"

namespace einsearch {

template <typename Scalar>
class Examples {
 public:
  Examples(const Task<Scalar>& task, Index samples)
      : samples_(samples),
        features_(task.inputs()),
        memory_((task.inputs() + task.outputs()) * stride()) {}

  BlockView<Scalar> input_block() { return {memory_.data(), features_, samples_, stride()}; }
  BlockView<Scalar> target_block() {
    const Index outputs = memory_.size() / stride() - features_;
    return {memory_.data() + features_ * stride(), outputs, samples_, stride()};
  }

  Index samples() const { return samples_; }
  Scalar input(Index feature, Index sample) const {
    return memory_.data()[feature * stride() + sample];
  }
  Scalar target(Index feature, Index sample) const { return input(features_ + feature, sample); }
  std::vector<Scalar> inputs() const {
    return {memory_.data(), memory_.data() + features_ * stride()};
  }

 private:
  Index stride() const { return padded_samples(samples_); }

  Index samples_, features_;
  AlignedBuffer<Scalar> memory_;
};

template <typename Scalar>
Examples<Scalar> training(const Task<Scalar>& task, Count first, Index samples) {
  Examples<Scalar> examples(task, samples);
  task.training_examples(first, examples.input_block(), examples.target_block());
  return examples;
}

template <typename Scalar>
Examples<Scalar> held_out(const Task<Scalar>& task, Count first, Index samples) {
  Examples<Scalar> examples(task, samples);
  task.held_out_examples(first, examples.input_block(), examples.target_block());
  return examples;
}

}  // namespace einsearch
