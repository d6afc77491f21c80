// What all models are described by, whatever their task.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "structure/layer_shape.h"

namespace einsearch {

/// Which linear layers take the structure; the others are dense.
enum class LayerChoice { all, intermediate, all_but_last };

const char* to_string(LayerChoice layers);

/// Throws Error with a suggestion for an unknown name.
LayerChoice parse_layer_choice(std::string_view name);
const std::vector<std::string>& layer_choice_names();

struct ModelOptions {
  Index width = 64;  ///< features of the residual stream
  Index depth = 3;   ///< residual blocks
  Structure structure;
  ResolveOptions resolve = {};
  LayerChoice layers = LayerChoice::intermediate;
  bool has_weight_norm = false;
};

}  // namespace einsearch
