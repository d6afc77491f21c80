// The two-factor contraction as two batched, strided products.
//
//   z[f,d,r,g,b] = sum_a       A[f,d,r,g,a] x[g,b,a]          A stored (phi, delta, rho, gamma,
//   alpha) y[f,e,d]     = sum_{r,g,b} B[f,e,r,g,b] z[f,d,r,g,b]      B stored (phi, epsilon, rho,
//   gamma, beta)
//
// or, B first, w[f,e,r,g,a] = sum_b B x and y = sum_{r,g,a} A w: the same with the factors
// exchanged. All arrays are row-major in the order of their indices, samples last. Each step
// multiplies one slice of a factor with rows of the block in front of it, once for each value of a
// batch index that the factor shares with its input (gamma, then phi) and for each value of an
// index that rides along (beta, then delta). The rows of z are ordered so that each product reads
// and writes rows at one stride: the permutation between the steps costs nothing.
#pragma once

#include "compute/block.h"
#include "structure/cost.h"
#include "structure/sizes.h"

namespace einsearch {

/// z[g,t] = W[g] x[g,t] for batches g and rides t: W[g] (rows, inner), x[g,t] (inner, N), z[g,t]
/// (rows, N). FLOPs: 2 N batches rides rows inner forward, twice that backward.
struct BatchedProduct {
  Index batches = 1, rides = 1, rows = 0, inner = 0;
  Index x_batch = 0, x_ride = 0, x_row = 1;  ///< strides in rows of the block x
  Index z_batch = 0, z_ride = 0, z_row = 1;  ///< strides in rows of the block z
  Index w_batch = 0, w_row = 0;  ///< strides in the factor's storage; its inner index is contiguous

  Index x_features() const { return batches * rides * inner; }
  Index z_features() const { return batches * rides * rows; }
};

template <typename Scalar>
void forward(const BatchedProduct& product,
             const Scalar* w,
             BlockView<const Scalar> x,
             BlockView<Scalar> z);

/// dx[g,t] = W[g]^T dz[g,t]
template <typename Scalar>
void backward_input(const BatchedProduct& product,
                    const Scalar* w,
                    BlockView<const Scalar> dz,
                    BlockView<Scalar> dx);

/// dW[g] += sum_t dz[g,t] x[g,t]^T
template <typename Scalar>
void backward_weight(const BatchedProduct& product,
                     BlockView<const Scalar> dz,
                     BlockView<const Scalar> x,
                     Scalar* dw);

/// Both steps of a contraction. x has pad_in rows in the order (gamma, beta, alpha), y has pad_out
/// rows in the order (phi, epsilon, delta), and z has first.z_features() rows.
struct TwoFactorContraction {
  BatchedProduct first;
  BatchedProduct second;
};

TwoFactorContraction two_factor_contraction(const Sizes& sizes, Order order);

/// W x for a dense matrix W (outputs, inputs), row-major.
BatchedProduct dense_product(Index outputs, Index inputs);

}  // namespace einsearch
