// The picture of a fit as a Vega-Lite specification, to be styled and combined elsewhere.
#pragma once

#include <span>
#include <string>

#include "fit/ranking.h"
#include "io/frontier_plot.h"
#include "train/curve.h"

namespace einsearch {

/// A whole specification (Vega-Lite 5) with its data inside: runs, frontier points, laws with their
/// 95 % intervals, names at their ends. Equal input gives equal bytes.
std::string frontier_vega_lite(const Ranking& ranking,
                               std::span<const Curve> curves,
                               const PlotOptions& options = {});

}  // namespace einsearch
