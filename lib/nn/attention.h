// Causal self-attention over blocks of whole sequences.
//
// Sample n of a block is position n mod positions of sequence n / positions; positions is a
// multiple of kSampleLanes, so that every tile below starts at a whole register. All products run
// through compute/product.h: for one sequence and head, with keys K, queries Q and values V of
// (head_size, positions),
//
//   S[k, t] = sum_d K[d, k] Q[d, t],  P = softmax over keys k <= t of scale S,  O = V P
//   dV = dO P^T,  dP = V^T dO,  dS = scale P (dP - sum_k P dP),  dQ = K dS,  dK = Q dS^T
//
// Keys later than a tile of queries are not computed.
#pragma once

#include "compute/block.h"

namespace einsearch {

struct AttentionShape {
  Index heads = 1;
  Index head_size = 1;  ///< d; head h has rows h d ... (h + 1) d - 1 of queries, keys and values
  Index sequences = 1;
  Index positions = kSampleLanes;  ///< of one sequence
  double scale = 1;

  Index features() const { return heads * head_size; }

  /// Rows of the block that holds P of all heads.
  Index score_features() const { return heads * positions; }

  /// Scalars that the backward pass needs for itself.
  Index scratch_size() const { return positions * kQueryTile; }

  static constexpr Index kQueryTile = 32;  ///< queries at a time; a multiple of kSampleLanes
};

/// o (heads d, N) from queries, keys and values (heads d, N); p (heads positions, N) is kept for
/// the backward pass. FLOPs: 4 N positions heads d with the full square, by convention.
template <typename Scalar>
void attention_forward(const AttentionShape& shape,
                       BlockView<const Scalar> queries,
                       BlockView<const Scalar> keys,
                       BlockView<const Scalar> values,
                       BlockView<Scalar> p,
                       BlockView<Scalar> o);

/// Gradients by queries, keys and values (overwritten); dS takes the place of P.
template <typename Scalar>
void attention_backward(const AttentionShape& shape,
                        BlockView<const Scalar> queries,
                        BlockView<const Scalar> keys,
                        BlockView<const Scalar> values,
                        BlockView<Scalar> p,
                        BlockView<const Scalar> d_o,
                        BlockView<Scalar> dqueries,
                        BlockView<Scalar> dkeys,
                        BlockView<Scalar> dvalues,
                        Scalar* scratch);

}  // namespace einsearch
