// The picture of a tuning: final loss against learning rate, a panel per structure, a line per
// width, so that one sees whether the best rate is inside, whether it moves with the width, and
// what tuning would gain. All panels have the same axes.
#pragma once

#include <string>

#include "fit/tuning.h"

namespace einsearch {

/// A whole SVG document; equal input gives equal bytes. Throws Error where no structure has runs at
/// two rates.
std::string rates_svg(const TuningReport& report, const std::string& title);

}  // namespace einsearch
