// Named blocks inside the one array of activations that a model works on. A model takes rows while
// it is made; a pass sees them as blocks of as many samples as it has. Copies of samples, sorted by
// the expert that works on them, are not as many as the samples: they take columns, which lie
// behind the rows.
#pragma once

#include <cmath>

#include "compute/block.h"

namespace einsearch {

/// Of one row: the samples and a margin that makes the stride an odd multiple of kSampleLanes, so
/// that rows some power of two apart do not evict each other from the nearest cache.
constexpr Index workspace_stride(Index samples) {
  const Index vectors = padded_samples(samples) / kSampleLanes;
  return (vectors + 1 + vectors % 2) * kSampleLanes;
}

/// workspace_stride(samples) - samples is less than this.
inline constexpr Index kMostMargin = 3 * kSampleLanes;

/// How much room columns take, or where they lie behind all rows: `rows` times the length of a row,
/// and `more` numbers, a multiple of kSampleLanes.
struct ColumnPlace {
  Index rows = 0, more = 0;
};

/// The rows and columns of one workspace.
template <typename Scalar>
struct Rows {
  Scalar* data;
  Index samples;
  Index stride;
  Scalar* columns = nullptr;  ///< behind the rows

  BlockView<Scalar> operator()(Index first, Index count) const {
    return {data + first * stride, count, samples, stride};
  }
  Scalar* at(ColumnPlace place) const { return columns + place.rows * stride + place.more; }
};

/// How many rows and columns have been taken so far.
class RowCounter {
 public:
  /// Position of the first of `count` new rows.
  Index take(Index count) {
    const Index first = count_;
    count_ += count;
    return first;
  }

  /// Position of so much new room for columns.
  ColumnPlace take_columns(ColumnPlace room) {
    const ColumnPlace place = columns_;
    columns_.rows += room.rows;
    columns_.more += room.more;
    return place;
  }

  Index count() const { return count_; }

  /// Scalars of a workspace for so many samples.
  Index size(Index samples) const {
    return (count_ + columns_.rows) * workspace_stride(samples) + columns_.more;
  }

  template <typename Scalar>
  Rows<Scalar> of(Scalar* workspace, Index samples) const {
    const Index stride = workspace_stride(samples);
    return {workspace, samples, stride, workspace + count_ * stride};
  }

 private:
  Index count_ = 0;
  ColumnPlace columns_;
};

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
