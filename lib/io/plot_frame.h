// What pictures of a fit have in common, drawn as SVG or described for Vega-Lite: where data lands,
// and names beside the axes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "fit/ranking.h"
#include "io/plot_page.h"
#include "train/curve.h"

namespace einsearch {

/// Axes around frontiers, laws and the target, and around runs not too far above or to the left:
/// their first steps would take most of the page.
PlotFrame frame_data(const Ranking& ranking, std::span<const Curve> curves);

/// True for a point that has a place on logarithmic axes.
bool is_drawable(const CurvePoint& point);

struct PlotLabel {
  std::string text;   ///< the name, cut to what fits beside the axes
  std::size_t place;  ///< in the ranking
  SvgPoint anchor;    ///< end of the law that it names
  double y;           ///< where the name stands, away from its neighbours
};

/// Names of all structures with a law, in the order of their losses at the target.
std::vector<PlotLabel> plot_labels(const Ranking& ranking, const PlotFrame& frame);

}  // namespace einsearch
