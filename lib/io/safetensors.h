// Tensors in the safetensors format: eight bytes with the length of a JSON header, the header
// {name: {dtype, shape, data_offsets}}, then the numbers, little-endian, row-major.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "nn/parameters.h"

namespace einsearch {

struct NamedTensor {
  std::string name;
  std::vector<Index> shape;
  std::span<const float> numbers;
};

/// Writes the whole file or none. `metadata` is the header's __metadata__.
void write_safetensors(const std::string& path,
                       const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// The parameters of a model by their names: blocks.0.up.A, blocks.0.up.B, norm.weight, ...
std::vector<NamedTensor> named_tensors(const ParameterLayout& layout,
                                       std::span<const float> values);

}  // namespace einsearch
