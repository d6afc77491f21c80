// The passes of a mixture of experts: the choice of experts by a gate's logits, and the copies of
// samples that are sorted by expert, so that each expert multiplies one block.
//
// The numbers of samples and of experts are whole numbers held as Scalars.
#pragma once

#include "compute/block.h"

namespace einsearch {

/// The passes of one instruction set.
template <typename Scalar>
struct MixtureKernels {
  /// For each sample, the experts of its K largest logits and the softmax over these K; equal
  /// logits in the order of experts, nan counts as the smallest.
  ///   logits (E, N) -> chosen (K, N), shares (K, N), log_sum[n] = log sum_e exp(logits[e, n])
  /// and softmax over all experts takes the place of the logits. K <= E, all chosen ones differ.
  void (*choose)(BlockView<Scalar> logits,
                 BlockView<Scalar> chosen,
                 BlockView<Scalar> shares,
                 Scalar* log_sum);

  /// y[f, i] = weight[i] x[f, sample[i]], zero in the padding lanes of y. Without weight: y = x.
  void (*gather)(BlockView<const Scalar> x,
                 const Scalar* sample,
                 const Scalar* weight,
                 BlockView<Scalar> y);

  /// y[f, sample[i]] += weight[i] x[f, i]; all samples differ. Without weight: y += x.
  void (*scatter)(BlockView<const Scalar> x,
                  const Scalar* sample,
                  const Scalar* weight,
                  BlockView<Scalar> y);

  /// sum[i] += sum_f x[f, i] y[f, i]
  void (*add_column_dots)(BlockView<const Scalar> x, BlockView<const Scalar> y, Scalar* sum);
};

/// Those of the active instruction set (compute/isa.h).
template <typename Scalar>
const MixtureKernels<Scalar>& mixture_kernels();

}  // namespace einsearch
