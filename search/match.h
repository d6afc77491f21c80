// Equal compute instead of equal widths: at the widths that people would type, structures share
// hardly any range of compute with dense, so each gets the width at which its model costs what a
// dense one costs.
#pragma once

#include "nn/model_spec.h"

namespace einsearch {

/// The width at which the model of `spec` (whose own width is ignored) costs `flops` per
/// example. Of the widths within 6 % of that, the one whose integer sizes are nearest to theta,
/// then the one nearest in cost; if no width is within 6 %, the nearest in cost. Throws Error when
/// no width up to 64 times `at_least` has valid sizes.
Index matching_width(ModelSpec spec, double flops, Index at_least);

}  // namespace einsearch
