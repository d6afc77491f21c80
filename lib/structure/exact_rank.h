// The rank of a layer's matrix for one random draw of its factors, computed without rounding.
#pragma once

#include <cstdint>

#include "base/types.h"
#include "structure/layer_shape.h"

namespace einsearch {

/// Draws factors uniformly from the integers modulo the prime 2^31 - 1, forms the matrix
///     W[(f,e,d), (g,b,a)] = sum_r A[f,d,r,g,a] B[f,e,r,g,b]      (pad_out, pad_in)
/// cuts it to d_out x d_in as the layer does (padding adds nothing) and eliminates. With
/// probability above 1 - d / 2^31 that is the rank of almost all real factors (Schwartz-Zippel).
/// Time O(d_in d_out min(d_in, d_out)); throws Error when d_in d_out is above 2^26.
Count exact_rank(const LayerShape& shape, std::uint64_t seed = 0);

}  // namespace einsearch
