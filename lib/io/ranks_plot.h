// The picture of a ranking: each structure's rank with its 95 % interval, and how much compute it
// needs compared with the baseline.
#pragma once

#include <string>

#include "fit/ranking.h"

namespace einsearch {

/// A whole SVG document; equal input gives equal bytes. Structures without a rank are left out.
/// Throws Error where none has one.
std::string ranks_svg(const Ranking& ranking, const std::string& title);

}  // namespace einsearch
