// The passes that models of token sequences need beside the element-wise ones: embeddings, causal
// softmax down the columns of a block of scores, and the cross-entropy of logits.
//
// A token is a whole number held as a Scalar; kNoToken stands for the positions that only fill a
// sequence up to whole vector registers: they embed to zero, and their loss and gradient are zero.
#pragma once

#include "compute/block.h"

namespace einsearch {

inline constexpr int kNoToken = -1;

/// The passes of one instruction set. Sums over features, keys and tokens of the vocabulary run in
/// order for each sample by itself; sums over samples run in the order of samples.
template <typename Scalar>
struct SequenceKernels {
  /// y[f, n] = table[token_n, f] + positions[n mod period, f]
  /// table (V, F), positions (period, F), y (F, N), period a multiple of kSampleLanes or N at most.
  void (*embed)(const Scalar* token,
                const Scalar* table,
                const Scalar* positions,
                Index period,
                BlockView<Scalar> y);

  /// dtable[token_n, f] += dy[f, n];  dpositions[n mod period, f] += dy[f, n]
  void (*embed_backward)(const Scalar* token,
                         Index period,
                         BlockView<const Scalar> dy,
                         Scalar* dtable,
                         Scalar* dpositions);

  /// In place, P[k, n] = exp(scale S[k, n]) / sum_{j <= first + n} exp(scale S[j, n]) for keys
  /// k <= first + n, and 0 for later keys. Column n is the query at position first + n.
  void (*causal_softmax)(Scalar scale, Index first, BlockView<Scalar> scores);

  /// dS = scale P (dP - sum_k P dP), which takes the place of P.
  void (*softmax_backward)(Scalar scale, BlockView<const Scalar> dp, BlockView<Scalar> p);

  /// losses[n] = log sum_v exp(z[v, n]) - z[target_n, n], in nats.
  void (*cross_entropy)(BlockView<const Scalar> logits, const Scalar* target, Scalar* losses);

  /// The same, and dz = weight (softmax(z) - onehot(target)) in the place of z.
  void (*cross_entropy_gradient)(Scalar weight,
                                 const Scalar* target,
                                 BlockView<Scalar> logits,
                                 Scalar* losses);

  /// y = scale x
  void (*scale)(Scalar scale, BlockView<const Scalar> x, BlockView<Scalar> y);

  /// y += scale x
  void (*add_scaled)(Scalar scale, BlockView<const Scalar> x, BlockView<Scalar> y);
};

/// Those of the active instruction set (compute/isa.h).
template <typename Scalar>
const SequenceKernels<Scalar>& sequence_kernels();

}  // namespace einsearch
