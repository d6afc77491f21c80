#include "train/expert_usage.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace einsearch {

std::optional<ExpertUsage> expert_usage(const ExpertCounts& shape, std::span<const Count> tokens) {
  const auto experts = static_cast<std::size_t>(shape.experts);
  const Count choices =
      shape.gates == 0 ? 0
                       : std::accumulate(tokens.begin(), tokens.begin() + shape.experts, Count{0});
  if (choices == 0) return std::nullopt;
  ExpertUsage usage;
  usage.least_load = static_cast<double>(experts);
  for (std::size_t gate = 0; gate < static_cast<std::size_t>(shape.gates); ++gate) {
    double entropy = 0;
    for (const Count count : tokens.subspan(gate * experts, experts)) {
      const double share = static_cast<double>(count) / static_cast<double>(choices);
      const double load = share * static_cast<double>(experts);
      if (count > 0) entropy -= share * std::log(share);
      usage.least_load = std::min(usage.least_load, load);
      usage.most_load = std::max(usage.most_load, load);
    }
    usage.effective += std::exp(entropy) / static_cast<double>(shape.gates);
  }
  return usage;
}

}  // namespace einsearch
