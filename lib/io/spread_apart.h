// Labels beside a picture, moved as little as makes room for all.
#pragma once

#include <vector>

namespace einsearch {

/// Places y of labels in their order, neighbours at least `gap` apart, all in [top, bottom], for
/// which the sum of (y - wanted)^2 is least; where there is no room for the gap, evenly closer.
/// With z_i = y_i - i gap that is isotonic regression: neighbours in the wrong order are pooled at
/// their mean (Barlow et al. 1972), and bounds are kept by clamping.
std::vector<double> spread_apart(const std::vector<double>& wanted,
                                 double gap,
                                 double top,
                                 double bottom);

}  // namespace einsearch
