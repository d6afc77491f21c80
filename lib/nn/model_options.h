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

/// in, q, k, v, o, up, down, head
const char* to_string(LayerRole role);

/// False for a layer that is dense whatever the structure.
bool takes_structure(LayerChoice layers, LayerRole role);

/// A structure for all layers of one role.
struct RoleAssignment {
  LayerRole role = LayerRole::up;
  Structure structure;

  bool operator==(const RoleAssignment&) const = default;
};

/// ROLE=S,ROLE=S,...  -> one entry per role, in the order of LayerRole. A role is one of
/// to_string(LayerRole), or several: qk, qkv, attention (q, k, v, o), ffn (up, down). Throws Error
/// for unknown roles and structures, and for a role that has two.
std::vector<RoleAssignment> parse_assignments(std::string_view text);

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
  std::vector<RoleAssignment> assigned = {};  ///< roles that have a structure of their own
  bool aligns_heads = false;  ///< of block tensor-trains in attention, see HeadAlignment
};

/// The structure of a layer: the one assigned to its role, else options.structure. Nothing for a
/// layer that neither reaches; it is dense.
std::optional<Structure> layer_structure(const ModelOptions& options, LayerRole role);

/// True where heads are to be aligned and a layer of attention is structured.
bool aligns_any_heads(const ModelOptions& options);

/// What a curve calls the structure: its name, then +ROLE=S for every assignment, then +heads where
/// any are aligned.
std::string structure_text(const ModelOptions& options);

}  // namespace einsearch
