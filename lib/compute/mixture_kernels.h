// The passes of a mixture of experts: the choice of experts by a gate's logits, and the copies of
// samples that are sorted by expert, so that each expert multiplies one block (compute/routes.h).
//
// The numbers of samples and of experts are whole numbers held as Scalars.
#pragma once

#include "compute/product.h"
#include "compute/routes.h"

namespace einsearch {

/// Whether copies are multiplied by their columns' weights.
enum class RouteWeights { none, own };

/// The passes of one instruction set.
template <typename Scalar>
struct MixtureKernels {
  Index lanes;  ///< of the routes that the passes take

  /// For each sample, the experts of its K largest logits and the softmax over these K; equal
  /// logits in the order of experts, nan counts as the smallest.
  ///   logits (E, N) -> chosen (K, N), shares (K, N), log_sum[n] = log sum_e exp(logits[e, n])
  /// and softmax over all experts takes the place of the logits. K <= E, all chosen ones differ.
  void (*choose)(BlockView<Scalar> logits,
                 BlockView<Scalar> chosen,
                 BlockView<Scalar> shares,
                 Scalar* log_sum);

  /// Copies samples to the columns of `room`, times their weights. Zero in the padding lanes and in
  /// the rows behind those of x.
  void (*gather)(const Routes<Scalar>& routes,
                 RouteWeights weights,
                 BlockView<const Scalar> x,
                 ColumnRows<Scalar> room);

  /// Each sample becomes the sum of its columns, times their weights, or higher by that, in the
  /// order of experts. Rows of `room` behind those of y are left out; a vector's worth of numbers
  /// at its start is read even where no expert has columns.
  void (*scatter)(const Routes<Scalar>& routes,
                  RouteWeights weights,
                  ColumnRows<const Scalar> room,
                  BlockView<Scalar> y,
                  Store store);

  /// sum[i] += sum_f x[f, i] y[f, i], for padding lanes too
  void (*add_column_dots)(BlockView<const Scalar> x, BlockView<const Scalar> y, Scalar* sum);
};

/// Those of the active instruction set (compute/isa.h).
template <typename Scalar>
const MixtureKernels<Scalar>& mixture_kernels();

}  // namespace einsearch
