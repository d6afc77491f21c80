// Arrays and blocks of normal numbers with their memory, for tests and benchmarks: the same few
// thousand numbers over and over, since drawing each anew takes longer than what is tested.
#pragma once

#include <array>
#include <cstdint>

#include "base/random.h"
#include "compute/block.h"

namespace einsearch {

/// A sequence of normal numbers; seeds start it at different places.
class RepeatedNormals {
 public:
  explicit RepeatedNormals(std::uint64_t seed) : position_(seed * 1009 % kPeriod) {}

  double next() {
    position_ = position_ + 1 == kPeriod ? 0 : position_ + 1;
    return table()[position_];
  }

 private:
  static constexpr std::size_t kPeriod = 8191;  // prime, so that rows differ

  static const std::array<double, kPeriod>& table() {
    static const std::array<double, kPeriod> numbers = [] {
      std::array<double, kPeriod> drawn;
      RandomStream(0, StreamId::data).fill_normal(0, std::span<double>(drawn));
      return drawn;
    }();
    return numbers;
  }

  std::size_t position_;
};

template <typename Scalar>
AlignedBuffer<Scalar> random_values(Index size, std::uint64_t seed) {
  AlignedBuffer<Scalar> values(size);
  RepeatedNormals normals(seed);
  for (Scalar& value : values.span()) value = static_cast<Scalar>(normals.next());
  return values;
}

/// features x samples, with a stride wider than needed; padding lanes are zero.
template <typename Scalar>
struct RandomBlock {
  RandomBlock(Index features, Index samples, std::uint64_t seed)
      : memory(features * (padded_samples(samples) + kSampleLanes)),
        view{memory.data(), features, samples, padded_samples(samples) + kSampleLanes} {
    RepeatedNormals normals(seed);
    for (Index f = 0; f < features; ++f) {
      for (Index n = 0; n < samples; ++n) view.row(f)[n] = static_cast<Scalar>(normals.next());
    }
  }

  AlignedBuffer<Scalar> memory;
  BlockView<Scalar> view;
};

}  // namespace einsearch
