// Equal compute instead of equal widths: at the widths that people would type, structures share
// hardly any range of compute with dense, so each gets the width at which its model costs what a
// dense one costs.
#pragma once

#include <string>
#include <vector>

#include "nn/model_spec.h"

namespace einsearch {

/// What makes two models equal: forward FLOPs, trainable numbers, or bytes of a training step
/// (weights, gradient, two moments, and the activations of one example).
enum class MatchBy { flops, params, bytes };

const std::vector<std::string>& match_names();
MatchBy parse_match(const std::string& name);

/// The cost of a model by that measure, per example where it depends on them.
double model_cost(const ModelSpec& spec, MatchBy by);

/// The width at which the model of `spec` (whose own width is ignored) costs `cost`. Of the widths
/// within 6 % of that, the one whose integer sizes are nearest to theta, then the one nearest in
/// cost; if no width is within 6 %, the nearest in cost. Looks first among widths within a factor 2
/// of where costs as a whole come near, then at all. Throws Error when no width up to 64 times
/// `at_least` has valid sizes.
Index matching_width(ModelSpec spec, double cost, Index at_least, MatchBy by = MatchBy::flops);

}  // namespace einsearch
