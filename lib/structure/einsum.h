// A layer as einsum strings, in the letters of its exponents: a, b, g on the input side, d, e, f
// (phi) on the output side, r between the factors. Axes of size 1 are left out, so Monarch reads
// "fga,feg,ga->fe".
#pragma once

#include <string>

#include "structure/layer_shape.h"

namespace einsearch {

/// Both factors at once: A, B, x -> y. Dense: W, x -> y.
std::string einsum_text(const LayerShape& shape);

/// The two steps in the executed order. A first: A, x -> z, then B, z -> y; B first the other way.
struct EinsumSteps {
  std::string first;
  std::string second;
};
EinsumSteps einsum_steps(const LayerShape& shape);

}  // namespace einsearch
