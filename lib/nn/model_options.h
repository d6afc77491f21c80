// What all models are described by, whatever their task.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/mixture_options.h"
#include "structure/layer_shape.h"

namespace einsearch {

/// Which linear layers take the structure; the others are dense. In a transformer, intermediate and
/// all-but-last are the same: everything between the embeddings and the head.
enum class LayerChoice { all, intermediate, all_but_last, ffn, attention };

/// What a linear layer does in a model.
enum class LayerRole { input, query, key, value, output, up, down, head };

/// False for a layer that is dense whatever the structure.
bool takes_structure(LayerChoice layers, LayerRole role);

const char* to_string(LayerChoice layers);

/// Throws Error with a suggestion for an unknown name.
LayerChoice parse_layer_choice(std::string_view name);
const std::vector<std::string>& layer_choice_names();

/// What the models' options have in common.
struct ModelOptions {
  Index width = 64;     ///< features of the residual stream
  Index depth = 3;      ///< residual blocks
  Structure structure;  ///< of a layer, or of an expert
  std::optional<MixtureOptions> mixture = {};
  ResolveOptions resolve = {};
  LayerChoice layers = LayerChoice::intermediate;
  bool has_weight_norm = false;
  bool has_gains =
      false;  ///< of normalised factors; queries and keys have none, a layer norm follows
};

/// The name that a user gives: of the structure, or of the mixture of it.
inline std::string structure_name(const ModelOptions& options) {
  return ModelStructure{options.structure, options.mixture}.name();
}

}  // namespace einsearch
