// The two-factor contraction as two batched, strided products.
//
//   z[f,d,r,g,b] = sum_a       A[f,d,r,g,a] x[g,b,a]
//   y[f,e,d]     = sum_{r,g,b} B[f,e,r,g,b] z[f,d,r,g,b]
//
// with A stored (phi, delta, rho, gamma, alpha) and B (phi, epsilon, rho, gamma, beta);
// or, B first, w[f,e,r,g,a] = sum_b B x and y = sum_{r,g,a} A w: the same with the factors
// exchanged. All arrays are row-major in the order of their indices, samples last. Each step
// multiplies one slice of a factor with rows of the block in front of it, once for each value of a
// batch index that the factor shares with its input (gamma, then phi) and for each value of an
// index that rides along (beta, then delta). The rows of z are ordered so that each product reads
// and writes rows at one stride: the permutation between the steps costs nothing.
#pragma once

#include "compute/product.h"
#include "structure/cost.h"
#include "structure/sizes.h"

namespace einsearch {

/// Both steps of a contraction. x has pad_in rows in the order (gamma, beta, alpha), y has pad_out
/// rows in the order (phi, epsilon, delta), and z has first.z_features() rows.
struct TwoFactorContraction {
  BatchedProduct first;
  BatchedProduct second;

  /// Both steps for some values of phi: products on the rows of z from `z_row` and those of y from
  /// `y_row` on, whose weights, packed or not, start at these offsets.
  struct Part {
    BatchedProduct first, second;
    Index z_row = 0, y_row = 0;
    Index first_weights = 0, second_weights = 0;
  };

  /// Part 0 ... parts() - 1. Where z is large, going through both steps part by part keeps it in
  /// the cache; it does not change a bit.
  Part part(Index index) const;
  Index parts() const;
  Index part_features() const;  ///< rows of z of the largest part

  /// Whether computing z once more for the backward pass is cheaper than keeping it: where there
  /// are several parts and the first step's sums are short.
  bool recomputes_z() const;
};

TwoFactorContraction two_factor_contraction(const Sizes& sizes, Order order);

}  // namespace einsearch
