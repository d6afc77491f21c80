#include "search/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "structure/candidate.h"

namespace einsearch {
namespace {

constexpr double kTolerance = 0.06;

/// The larger rounding error of the two layers of a block, or nothing when a size is invalid.
std::optional<double> rounding_error(const MlpOptions& options) {
  if (options.structure.is_dense) return 0.0;
  const Index wide = MlpOptions::kExpansion * options.width;
  const auto up = WidthResolver(options.width, wide, options.resolve)(options.structure);
  const auto down = WidthResolver(wide, options.width, options.resolve)(options.structure);
  if (!up || !down) return std::nullopt;
  return std::max(up->quality.rounding_error, down->quality.rounding_error);
}

}  // namespace

double model_flops(const MlpOptions& options) { return Mlp<float>(options).flops_per_example(); }

Index matching_width(MlpOptions options, double flops, Index at_least) {
  // How good a width is: out of tolerance or not, then what matters in either case.
  struct Score {
    bool is_outside = true;
    double first = std::numeric_limits<double>::infinity();
    double second = std::numeric_limits<double>::infinity();
    auto operator<=>(const Score&) const = default;
  };
  Score best;
  Index best_width = 0;
  for (Index width = at_least; width <= 64 * at_least; ++width) {
    options.width = width;
    const auto error = rounding_error(options);
    if (!error) continue;
    const double cost = model_flops(options);
    if (cost > 2 * flops) break;
    const double distance = std::abs(std::log(cost / flops));
    const bool is_outside = distance > kTolerance;
    const Score score{is_outside, is_outside ? distance : *error, is_outside ? *error : distance};
    if (score < best) {
      best = score;
      best_width = width;
    }
  }
  if (best_width == 0) {
    throw Error(fmt::format(
        "no width of {} costs {:.3g} FLOPs per example", options.structure.name, flops));
  }
  return best_width;
}

}  // namespace einsearch
