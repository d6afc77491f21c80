#include "train/training_state.h"

#include <algorithm>
#include <cmath>

#include "compute/elementwise.h"

namespace einsearch {
namespace {

constexpr Index kMaxChunks = 8;
constexpr Index kMinChunkSamples = 128;

struct Chunks {
  Index count;
  Index samples;  // of each but the last
};

Chunks chunks_of(Index batch) {
  const Index wanted = std::clamp(batch / kMinChunkSamples, Index{1}, kMaxChunks);
  const Index samples = padded_samples((batch + wanted - 1) / wanted);
  return {(batch + samples - 1) / samples, samples};
}

}  // namespace

template <typename Scalar>
TrainingState<Scalar>::TrainingState(const Model<Scalar>& model,
                                     AlignedBuffer<Scalar> values,
                                     const OptimizerOptions& options,
                                     const Threads& threads)
    : model_(model),
      options_(options),
      threads_(threads),
      values_(std::move(values)),
      first_moment_(values_.size()),
      second_moment_(values_.size()) {
  if (has_weight_norm(model.parameters())) effective_ = AlignedBuffer<Scalar>(values_.size());
}

template <typename Scalar>
const Scalar* TrainingState<Scalar>::effective_values() {
  if (effective_.size() == 0) return values_.data();
  normalise_weights(model_.parameters(), values_.data(), effective_.data());
  return effective_.data();
}

template <typename Scalar>
UpdateResult TrainingState<Scalar>::compute_gradient(const ExampleBlock<Scalar>& batch) {
  const Index samples = batch.inputs.samples, block = model_.block_samples();
  const Chunks chunks = chunks_of(samples);
  while (static_cast<Index>(gradients_.size()) < chunks.count)
    gradients_.emplace_back(values_.size());
  while (static_cast<Index>(workspaces_.size()) < chunks.count)
    workspaces_.emplace_back(model_.workspace_size(block));
  const Scalar* values = effective_values();
  const double scale = 1 / static_cast<double>(samples);
  std::array<double, kMaxChunks> losses{};
  threads_.for_each(chunks.count, [&](Index chunk) {
    const auto slot = static_cast<std::size_t>(chunk);
    Scalar* gradient = gradients_[slot].data();
    std::fill_n(gradient, values_.size(), Scalar{0});
    const Index end = std::min((chunk + 1) * chunks.samples, samples);
    for (Index first = chunk * chunks.samples; first < end; first += block) {
      const ExampleBlock<Scalar> part = batch.samples(first, std::min(block, end - first));
      losses[slot] +=
          model_.loss_and_gradient(values, part, scale, workspaces_[slot].data(), gradient);
    }
  });
  UpdateResult result;
  for (Index chunk = 0; chunk < chunks.count; ++chunk) {
    const auto slot = static_cast<std::size_t>(chunk);
    result.loss += losses[slot] * scale;
    if (chunk > 0)
      elementwise<Scalar>().accumulate(
          gradients_[slot].data(), gradients_[0].data(), values_.size());
  }
  if (effective_.size() > 0)
    normalise_weights_backward(model_.parameters(), values_.data(), gradients_[0].data());
  result.gradient_norm =
      std::sqrt(elementwise<Scalar>().sum_of_squares(gradients_[0].data(), values_.size()));
  return result;
}

template <typename Scalar>
UpdateResult TrainingState<Scalar>::update(const ExampleBlock<Scalar>& batch, double rate) {
  const DenormalsAreZero mode;
  const UpdateResult result = compute_gradient(batch);
  ++steps_;
  const double clip_scale =
      options_.clip > 0 ? std::min(1.0, options_.clip / (result.gradient_norm + 1e-6)) : 1.0;
  for (const ParameterInfo& tensor : model_.parameters().tensors()) {
    const AdamWStep step{.rate = rate * tensor.lr_multiplier,
                         .decay = tensor.decays ? options_.weight_decay : 0,
                         .beta1 = options_.beta1,
                         .beta2 = options_.beta2,
                         .epsilon = options_.epsilon,
                         .step = steps_,
                         .gradient_scale = clip_scale};
    elementwise<Scalar>().adamw(step,
                                tensor.size,
                                values_.data() + tensor.offset,
                                gradients_[0].data() + tensor.offset,
                                first_moment_.data() + tensor.offset,
                                second_moment_.data() + tensor.offset);
  }
  return result;
}

template <typename Scalar>
void TrainingState<Scalar>::evaluate(const ExampleBlock<Scalar>& examples, std::span<double> each) {
  const Index block = model_.block_samples(), samples = examples.inputs.samples;
  const Scalar* values = effective_values();
  const Index slots = threads_.count(), blocks = (samples + block - 1) / block;
  while (static_cast<Index>(workspaces_.size()) < slots)
    workspaces_.emplace_back(model_.workspace_size(block));
  threads_.for_each(std::min(slots, blocks), [&](Index slot) {
    for (Index i = slot; i < blocks; i += slots) {
      const Index first = i * block, count = std::min(block, samples - first);
      model_.losses(values,
                    examples.samples(first, count),
                    workspaces_[static_cast<std::size_t>(slot)].data(),
                    each.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    }
  });
}

template class TrainingState<float>;
template class TrainingState<double>;

}  // namespace einsearch
