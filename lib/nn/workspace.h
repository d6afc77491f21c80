// Named blocks inside the one array of activations that a model works on. A model takes rows while
// it is made; a pass sees them as blocks of as many samples as it has.
#pragma once

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

}  // namespace einsearch
