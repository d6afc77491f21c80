#include "search/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"
#include "structure/candidate.h"

namespace einsearch {
namespace {

constexpr double kTolerance = 0.06;
constexpr double kNear = 1.25;   // a factor in cost
constexpr Index kFarthest = 64;  // a factor in width

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

WidthMatcher::WidthMatcher(ModelSpec spec, MatchBy by) : spec_(std::move(spec)), by_(by) {}

ModelSpec WidthMatcher::at(Index width) const {
  ModelSpec spec = spec_;
  model_options(spec).width = width;
  return spec;
}

/// Nothing at a width that the model cannot have (heads that do not divide it, too much padding).
std::optional<double> WidthMatcher::cost_of(Index width) {
  const auto [known, is_new] = costs_.try_emplace(width);
  if (is_new) {
    try {
      known->second = model_cost(at(width), by_);
    } catch (const Error&) {
      // Nothing it is.
    }
  }
  return known->second;
}

/// The largest rounding error of the layers, or nothing when a size is invalid.
std::optional<double> WidthMatcher::rounding_error_of(Index width) {
  const ModelOptions& options = model_options(spec_);
  // A mixture takes the paper's sizes by a rule of its own (see rank_expert_shape).
  if (options.mixture && options.resolve.rounding == Rounding::paper) return 0;
  const auto [known, is_new] = rounding_errors_.try_emplace(width);
  if (!is_new) return known->second;
  double largest = 0;
  for (const auto& [structure, d_in, d_out] : structured_layers(at(width))) {
    const auto layer = WidthResolver(d_in, d_out, options.resolve)(structure);
    if (!layer) return std::nullopt;
    largest = std::max(largest, layer->quality.rounding_error);
  }
  return known->second = largest;
}

/// The best of the widths from `from` to `to`, or to the first that costs twice what is wanted.
WidthMatcher::Choice WidthMatcher::best_of(double wanted, Index from, Index to) {
  Choice best;
  // Sizes take longer to find than costs, so they are looked for only where they can still decide.
  for (Index width = from; width <= to; ++width) {
    const std::optional<double> cost = cost_of(width);
    if (!cost) continue;
    const double distance = std::abs(std::log(*cost / wanted));
    const bool is_outside = distance > kTolerance;
    if (is_outside && !best.score.is_outside && *cost <= 2 * wanted) continue;
    const std::optional<double> error = rounding_error_of(width);
    if (!error) continue;
    if (*cost > 2 * wanted) break;
    const Score score{is_outside, is_outside ? distance : *error, is_outside ? *error : distance};
    if (score < best.score) best = {width, score};
  }
  return best;
}

Index WidthMatcher::match(double wanted, Index at_least) {
  // As a rule the best width is among those whose neighbours cost about the same. Costs of single
  // widths scatter with their divisors, so it takes several to tell.
  Index from = at_least;
  int in_reach = 0;
  for (Index width = at_least; width <= kFarthest * at_least && in_reach < 4;
       width += 1 + width / 50) {
    const auto cost = cost_of(width);
    in_reach = cost && *cost * kNear >= wanted ? in_reach + 1 : 0;
    if (in_reach == 0) from = width;
  }
  Choice choice = best_of(wanted, std::max(at_least, from / 2), 2 * from);
  if (choice.width == 0 || choice.score.is_outside)
    choice = best_of(wanted, at_least, kFarthest * at_least);
  if (choice.width == 0) {
    throw Error(fmt::format("no width of {} costs {:.3g} {}",
                            structure_text(model_options(spec_)),
                            wanted,
                            by_ == MatchBy::flops ? "FLOPs per example"
                                                  : match_names()[static_cast<std::size_t>(by_)]));
  }
  return choice.width;
}

}  // namespace einsearch
