// Blocks of token sequences for tests.
#pragma once

#include <vector>

#include "compute/random_block.h"

namespace einsearch {

using Sequences = std::vector<std::vector<int>>;

/// Tokens first ... first + rows - 1 of each sequence, one sequence per sample.
template <typename Scalar>
RandomBlock<Scalar> token_block(const Sequences& sequences, Index first, Index rows) {
  RandomBlock<Scalar> block(rows, static_cast<Index>(sequences.size()), 0);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    for (Index t = 0; t < rows; ++t) {
      block.view.row(t)[s] = static_cast<Scalar>(sequences[s][static_cast<std::size_t>(first + t)]);
    }
  }
  return block;
}

/// Sequences of pseudo-random tokens.
inline Sequences some_sequences(int count, int length, int vocabulary) {
  Sequences all;
  for (int s = 0; s < count; ++s) {
    all.emplace_back();
    for (int t = 0; t < length; ++t)
      all.back().push_back((s * 31 + t * 17 + t * t * 5) % vocabulary);
  }
  return all;
}

}  // namespace einsearch
