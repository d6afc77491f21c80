// Equal compute instead of equal widths: at the widths that people would type, structures share
// hardly any range of compute with dense, so each gets the width at which its model costs what a
// dense one costs.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/types.h"
#include "nn/model_spec.h"

namespace einsearch {

/// What makes two models equal: forward FLOPs, trainable numbers, or bytes of a training step
/// (weights, gradient, two moments, and the activations of one example).
enum class MatchBy { flops, params, bytes };

const std::vector<std::string>& match_names();
MatchBy parse_match(const std::string& name);

/// The cost of a model by that measure, per example where it depends on them.
double model_cost(const ModelSpec& spec, MatchBy by);

/// Finds the widths at which the model of `spec`, whose own width is ignored, costs what others
/// cost. Remembers what it has learned about widths: several costs for one spec should ask one
/// matcher. Not for several threads at once.
class WidthMatcher {
 public:
  explicit WidthMatcher(ModelSpec spec, MatchBy by = MatchBy::flops);

  /// Of the widths within 6 % of `cost`, the one whose integer sizes are nearest to theta, then the
  /// one nearest in cost; if no width is within 6 %, the nearest in cost. Looks first among widths
  /// within a factor 2 of where costs as a whole come near, then at all. Throws Error when no width
  /// up to 64 times `at_least` has valid sizes.
  Index match(double cost, Index at_least);

 private:
  /// How good a width is: out of tolerance or not, then what matters in either case.
  struct Score {
    bool is_outside = true;
    double first = kInfinity;
    double second = kInfinity;
    auto operator<=>(const Score&) const = default;
  };
  struct Choice {
    Index width = 0;  ///< 0: none
    Score score;
  };

  ModelSpec at(Index width) const;
  std::optional<double> cost_of(Index width);
  std::optional<double> rounding_error_of(Index width);
  Choice best_of(double wanted, Index from, Index to);

  ModelSpec spec_;
  MatchBy by_;
  std::unordered_map<Index, std::optional<double>> costs_, rounding_errors_;
};

}  // namespace einsearch
