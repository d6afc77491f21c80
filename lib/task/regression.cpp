#include "task/regression.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "compute/elementwise.h"
#include "compute/product.h"

namespace einsearch {
namespace {

constexpr Index kBlockSamples =
    128;  // activations of a 1,024-wide target then fit a second-level cache

template <typename Scalar>
BlockView<Scalar> columns(BlockView<Scalar> block, Index first, Index count) {
  return {block.data + first, block.features, count, block.stride};
}

}  // namespace

template <typename Scalar>
RegressionTask<Scalar>::RegressionTask(const RegressionOptions& options) : options_(options) {
  for (Index layer = 0; layer <= options.target_depth; ++layer) {
    const Index fan_in = layer == 0 ? options.inputs : options.target_width;
    const Index fan_out = layer == options.target_depth ? 1 : options.target_width;
    AlignedBuffer<Scalar>& weights = weights_.emplace_back(fan_in * fan_out);
    const RandomStream stream(
        options.seed_task, StreamId::task_target, static_cast<std::uint32_t>(layer));
    stream.fill_normal(0, weights.span());
    elementwise<Scalar>().scale_into(
        1 / std::sqrt(static_cast<double>(fan_in)), weights.data(), weights.data(), weights.size());
  }

  constexpr Index kScaleSamples = 1024;
  AlignedBuffer<Scalar> memory((options.inputs + 1) * kScaleSamples);
  const BlockView<Scalar> inputs{memory.data(), options.inputs, kScaleSamples, kScaleSamples};
  const BlockView<Scalar> targets{inputs.row(options.inputs), 1, kScaleSamples, kScaleSamples};
  examples(RandomStream(options.seed_task, StreamId::target_scale), 0, inputs, targets);
  double mean = 0, squares = 0;
  for (Index n = 0; n < kScaleSamples; ++n)
    mean += static_cast<double>(targets.data[n]) / kScaleSamples;
  for (Index n = 0; n < kScaleSamples; ++n) {
    const double centred = static_cast<double>(targets.data[n]) - mean;
    squares += centred * centred;
  }
  const double deviation = std::sqrt(squares / (kScaleSamples - 1)) + 1e-8;
  AlignedBuffer<Scalar>& read_out = weights_.back();
  elementwise<Scalar>().scale_into(
      1 / deviation, read_out.data(), read_out.data(), read_out.size());
  bias_ = static_cast<Scalar>(-mean / deviation);
}

template <typename Scalar>
void RegressionTask<Scalar>::training_examples(Count first,
                                               BlockView<Scalar> inputs,
                                               BlockView<Scalar> targets) const {
  examples(RandomStream(options_.seed_data, StreamId::data), first, inputs, targets);
}

template <typename Scalar>
void RegressionTask<Scalar>::held_out_examples(Count first,
                                               BlockView<Scalar> inputs,
                                               BlockView<Scalar> targets) const {
  examples(RandomStream(options_.seed_task, StreamId::held_out), first, inputs, targets);
}

template <typename Scalar>
void RegressionTask<Scalar>::examples(const RandomStream& stream,
                                      Count first,
                                      BlockView<Scalar> inputs,
                                      BlockView<Scalar> targets) const {
  std::vector<Scalar> features(static_cast<std::size_t>(inputs.features));
  for (Index n = 0; n < inputs.samples; ++n) {
    const auto index =
        static_cast<std::uint64_t>(first + n) * static_cast<std::uint64_t>(inputs.features);
    stream.fill_normal<Scalar>(index, features);
    for (Index f = 0; f < inputs.features; ++f)
      inputs.row(f)[n] = features[static_cast<std::size_t>(f)];
  }
  label(inputs, targets);
}

template <typename Scalar>
void RegressionTask<Scalar>::activate(BlockView<Scalar> hidden) const {
  if (options_.target == RegressionTarget::relu) {
    elementwise<Scalar>().scaled_relu(std::numbers::sqrt2_v<Scalar>, hidden);
    return;
  }
  const double scale = std::sqrt(2 / (1 - std::exp(-2.0)));
  for (Index f = 0; f < hidden.features; ++f) {
    Scalar* row = hidden.row(f);
    for (Index n = 0; n < hidden.samples; ++n)
      row[n] = static_cast<Scalar>(scale * std::sin(static_cast<double>(row[n])));
  }
}

template <typename Scalar>
void RegressionTask<Scalar>::label(BlockView<const Scalar> inputs,
                                   BlockView<Scalar> targets) const {
  const Index width = options_.target_width, stride = kBlockSamples + kSampleLanes;
  AlignedBuffer<Scalar> memory((options_.inputs + 2 * width + 1) * stride);
  for (Index first = 0; first < inputs.samples; first += kBlockSamples) {
    const Index samples = std::min(kBlockSamples, inputs.samples - first);
    const BlockView<Scalar> x{memory.data(), options_.inputs, samples, stride};
    for (Index f = 0; f < x.features; ++f) std::copy_n(inputs.row(f) + first, samples, x.row(f));
    BlockView<Scalar> hidden = x;
    BlockView<Scalar> next{x.row(options_.inputs), width, samples, stride};
    BlockView<Scalar> spare{next.row(width), width, samples, stride};
    for (Index layer = 0; layer < options_.target_depth; ++layer) {
      const Scalar* weights = weights_[static_cast<std::size_t>(layer)].data();
      products<Scalar>().multiply(
          {weights, width, hidden.features, hidden.features, 1}, hidden, next, Store::overwrite);
      activate(next);
      hidden = next;
      std::swap(next, spare);
    }
    const BlockView<Scalar> out{
        memory.data() + (options_.inputs + 2 * width) * stride, 1, samples, stride};
    products<Scalar>().multiply({weights_.back().data(), 1, hidden.features, hidden.features, 1},
                                hidden,
                                out,
                                Store::overwrite);
    for (Index n = 0; n < samples; ++n) targets.data[first + n] = out.data[n] + bias_;
  }
}

template class RegressionTask<float>;
template class RegressionTask<double>;

}  // namespace einsearch
