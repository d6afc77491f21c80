// Which mixture of experts a model is, and its name:
//
//   btt-moe:experts=E,active=K        every structured layer is a mixture over the rank, of BTT
//   layer-moe:experts=E,active=K      every structured layer is a mixture of E dense layers
//   ffn-moe:experts=E,active=K        every feed-forward network is a mixture of E dense ones
//
// each with ,of=S at its end for experts of another structure. Any other name is a structure, and
// no mixture.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "structure/layer_shape.h"

namespace einsearch {

enum class MixtureKind { ranks, layers, networks };

struct MixtureOptions {
  MixtureKind kind = MixtureKind::ranks;
  Index experts = 8;
  Index active = 2;  ///< experts per token

  bool operator==(const MixtureOptions&) const = default;
};

/// What a model's layers are made of.
struct ModelStructure {
  Structure structure;  ///< of an expert, where there is a mixture
  std::optional<MixtureOptions> mixture = {};

  /// parse_model_structure(name()) gives this back.
  std::string name() const;

  bool operator==(const ModelStructure&) const = default;
};

/// Throws Error for an unknown name, a bad option, experts < active, and a mixture over the rank of
/// a structure that has no factors.
ModelStructure parse_model_structure(std::string_view text);

/// One expert of a mixture over the rank. With the paper's rounding, BTT has the sizes of the
/// paper's BTT-MoE: prime factors in ascending order go each to the smaller of two factors.
LayerShape rank_expert_shape(const Structure& structure,
                             Index d_in,
                             Index d_out,
                             const ResolveOptions& options);

}  // namespace einsearch
