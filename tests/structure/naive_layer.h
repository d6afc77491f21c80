// The definition of a layer as one loop nest over every index: slow, obvious, and it counts.
#pragma once

#include <vector>

#include "base/types.h"
#include "structure/layer_shape.h"

namespace einsearch {

/// Small whole numbers that any program can make again: (7 i + offset) mod 11 - 5.
std::vector<double> test_numbers(Index count, Index offset);

struct NaiveLayer {
  LayerShape shape;
  std::vector<double> a;     ///< (phi, delta, rho, gamma, alpha), or the matrix (d_out, d_in)
  std::vector<double> b;     ///< (phi, epsilon, rho, gamma, beta)
  std::vector<double> bias;  ///< pad_out
};

/// With test_numbers of offsets 1, 2, 3.
NaiveLayer make_naive_layer(const LayerShape& shape);

/// y of one sample x (d_in), straight from
///     y[f,e,d] = sum_{r,g,b,a} A[f,d,r,g,a] B[f,e,r,g,b] x[g,b,a]
/// with padding, cutting and bias as layers have them.
std::vector<double> apply(const NaiveLayer& layer, const std::vector<double>& x);

/// Multiply-accumulates counted one by one in the two-step loop nest of the shape's order.
Count count_macs(const LayerShape& shape);

}  // namespace einsearch
