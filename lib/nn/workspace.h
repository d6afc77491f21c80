// Named blocks inside the one array of activations that a model works on. A model takes rows while
// it is made; a pass sees them as blocks of as many samples as it has.
#pragma once

#include <cmath>

#include "compute/block.h"

namespace einsearch {

/// How many rows have been taken so far.
class RowCounter {
 public:
  /// Position of the first of `count` new rows.
  Index take(Index count) {
    const Index first = count_;
    count_ += count;
    return first;
  }
  Index count() const { return count_; }

 private:
  Index count_ = 0;
};

/// The rows of one workspace.
template <typename Scalar>
struct Rows {
  Scalar* data;
  Index samples;
  Index stride;

  BlockView<Scalar> operator()(Index first, Index count) const {
    return {data + first * stride, count, samples, stride};
  }
};

/// Of one row: the samples and a margin, so that rows do not lie a power of two apart.
constexpr Index workspace_stride(Index samples) { return padded_samples(samples) + kSampleLanes; }

/// Which samples of a block are real: `samples` of every `stride`, `groups` times.
struct RealSamples {
  Index samples = 0;
  Index stride = 0;
  Index groups = 1;
};

/// Over features and real samples, summed feature by feature in double.
template <typename Scalar>
double root_mean_square(BlockView<const Scalar> x, const RealSamples& real) {
  double sum = 0;
  for (Index f = 0; f < x.features; ++f) {
    for (Index g = 0; g < real.groups; ++g) {
      const Scalar* row = x.row(f) + g * real.stride;
      for (Index n = 0; n < real.samples; ++n)
        sum += static_cast<double>(row[n]) * static_cast<double>(row[n]);
    }
  }
  return std::sqrt(sum / static_cast<double>(x.features * real.groups * real.samples));
}

}  // namespace einsearch
