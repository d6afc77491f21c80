// A structure as a Python file for PyTorch: the layer as a module of any size, what puts it into a
// model, and the learning rates that go with it. The text is lib/structure/torch_module.cpp.
#pragma once

#include <string>

#include "structure/layer_shape.h"

namespace einsearch {

struct TorchModuleOptions {
  Structure structure;
  ResolveOptions resolve = {};
  Index d_in = 1;  ///< default sizes of the layer
  Index d_out = 1;
  bool has_weight_norm = false;
  std::string parity_file;  ///< a parity case that the file's head says how to check; empty: none
};

/// Defines Structure, sizes(), StructuredLinear, replace_linears(), param_groups(), load().
/// Parameters have the names and shapes of einsearch's safetensors: A, B (dense: weight) and bias.
std::string torch_module_code(const TorchModuleOptions& options);

/// Four lines of Python that check a parity case against the module.
std::string parity_check_code(const std::string& parity_file);

}  // namespace einsearch
