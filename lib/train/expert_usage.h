// How evenly the gates of mixtures spread tokens over experts.
#pragma once

#include <optional>
#include <span>

#include "nn/model.h"

namespace einsearch {

/// Of a gate, the load of an expert is its tokens over those of an even spread, E n_e / (K N): 1 is
/// even, 0 an expert that nobody chooses, E / K the most.
struct ExpertUsage {
  double effective = 0;   ///< mean over gates of exp(entropy of the experts' shares), 1 to E
  double least_load = 0;  ///< over all gates and experts
  double most_load = 0;

  bool operator==(const ExpertUsage&) const = default;
};

/// From Model::count_expert_tokens; nothing for a model without gates or without tokens.
std::optional<ExpertUsage> expert_usage(const ExpertCounts& shape, std::span<const Count> tokens);

}  // namespace einsearch
