// Blocks of normal numbers with their memory, for tests and benchmarks.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "compute/block.h"

namespace einsearch {

/// features x samples, with a stride wider than needed; padding lanes are zero.
template <typename Scalar>
struct RandomBlock {
  RandomBlock(Index features, Index samples, std::uint64_t seed)
      : memory(features * (padded_samples(samples) + kSampleLanes)),
        view{memory.data(), features, samples, padded_samples(samples) + kSampleLanes} {
    const RandomStream stream(seed, StreamId::data);
    for (Index f = 0; f < features; ++f) {
      for (Index n = 0; n < samples; ++n) {
        view.row(f)[n] =
            static_cast<Scalar>(stream.normal(static_cast<std::uint64_t>(f * samples + n)));
      }
    }
  }

  AlignedBuffer<Scalar> memory;
  BlockView<Scalar> view;
};

template <typename Scalar>
AlignedBuffer<Scalar> random_values(Index size, std::uint64_t seed) {
  AlignedBuffer<Scalar> values(size);
  RandomStream(seed, StreamId::parameters).fill_normal(0, values.span());
  return values;
}

}  // namespace einsearch
