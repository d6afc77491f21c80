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

/// The largest rounding error of the layers, or nothing when a size is invalid.
std::optional<double> rounding_error(const ModelSpec& spec) {
  const ModelOptions& options = model_options(spec);
  double largest = 0;
  for (const auto& [structure, d_in, d_out] : structured_layers(spec)) {
    const auto layer = WidthResolver(d_in, d_out, options.resolve)(structure);
    if (!layer) return std::nullopt;
    largest = std::max(largest, layer->quality.rounding_error);
  }
  return largest;
}

}  // namespace

Index matching_width(ModelSpec spec, double flops, Index at_least) {
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
    model_options(spec).width = width;
    const auto error = rounding_error(spec);
    if (!error) continue;
    const double cost = model_flops(spec);
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
    throw Error(fmt::format("no width of {} costs {:.3g} FLOPs per example",
                            model_options(spec).structure.name,
                            flops));
  }
  return best_width;
}

}  // namespace einsearch
