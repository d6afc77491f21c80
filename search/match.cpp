#include "search/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/suggest.h"
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

/// Nothing at a width that the model cannot have (heads that do not divide it, too much padding).
std::optional<double> try_cost(const ModelSpec& spec, MatchBy by) try {
  return model_cost(spec, by);
} catch (const Error&) {
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& match_names() {
  static const std::vector<std::string> names = {"flops", "params", "bytes"};
  return names;
}

MatchBy parse_match(const std::string& name) {
  const auto& names = match_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error(
        "unknown measure",
        {.expected = "flops, params or bytes", .got = name, .hint = did_you_mean(name, names)});
  }
  return static_cast<MatchBy>(found - names.begin());
}

double model_cost(const ModelSpec& spec, MatchBy by) {
  if (by == MatchBy::flops) return model_flops(spec);
  const auto model = make_model<float>(spec);
  const auto params = static_cast<double>(model->parameters().size());
  if (by == MatchBy::params) return params;
  constexpr double kCopies = 4;  // weights, gradient, two moments
  const auto activations = static_cast<double>(model->workspace_size(1));
  return sizeof(float) * (kCopies * params + activations);
}

Index matching_width(ModelSpec spec, double wanted, Index at_least, MatchBy by) {
  // How good a width is: out of tolerance or not, then what matters in either case.
  struct Score {
    bool is_outside = true;
    double first = std::numeric_limits<double>::infinity();
    double second = std::numeric_limits<double>::infinity();
    auto operator<=>(const Score&) const = default;
  };
  Score best;
  Index best_width = 0;
  // Sizes take longer to find than costs, so they are looked for only where they can still decide.
  for (Index width = at_least; width <= 64 * at_least; ++width) {
    model_options(spec).width = width;
    const std::optional<double> cost = try_cost(spec, by);
    if (!cost) continue;
    const double distance = std::abs(std::log(*cost / wanted));
    const bool is_outside = distance > kTolerance;
    if (is_outside && !best.is_outside && *cost <= 2 * wanted) continue;
    const std::optional<double> error = rounding_error(spec);
    if (!error) continue;
    if (*cost > 2 * wanted) break;
    const Score score{is_outside, is_outside ? distance : *error, is_outside ? *error : distance};
    if (score < best) {
      best = score;
      best_width = width;
    }
  }
  if (best_width == 0) {
    throw Error(fmt::format(
        "no width of {} costs {:.3g} {}",
        model_options(spec).structure.name,
        wanted,
        by == MatchBy::flops ? "FLOPs per example" : match_names()[static_cast<std::size_t>(by)]));
  }
  return best_width;
}

}  // namespace einsearch
