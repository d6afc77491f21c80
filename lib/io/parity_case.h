// One case of a layer in numbers, for checking another implementation against this one.
#pragma once

#include <map>
#include <string>

#include "structure/layer_shape.h"

namespace einsearch {

/// Writes a safetensors file with the parameters of a layer (A and B, or weight, and bias), inputs
/// x (N, d_in), outputs y (N, d_out), the gradient dy of a loss by y, and those by x and by every
/// parameter (dx, dA, ...). Computed in double. With weight normalisation the factors are so large
/// that it acts.
void write_parity_case(const std::string& path,
                       const LayerShape& shape,
                       bool has_weight_norm,
                       const std::map<std::string, std::string>& metadata);

}  // namespace einsearch
