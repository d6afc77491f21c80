// What pictures of a fit have in common, drawn as SVG or described for Vega-Lite: where data lands,
// colours, and names beside the axes.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "fit/ranking.h"
#include "io/svg.h"
#include "train/curve.h"

namespace einsearch {

/// An interval of positive numbers, on a logarithmic axis.
struct AxisRange {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool contains(double value) const { return value >= low && value <= high; }
};

/// The axes and their rectangle in pixels.
struct PlotFrame {
  AxisRange x = {};
  AxisRange y = {};
  double left = 0, right = 0, top = 0, bottom = 0;

  double place_x(double value) const {
    return left + (right - left) * std::log(value / x.low) / std::log(x.high / x.low);
  }
  double place_y(double value) const {
    return bottom - (bottom - top) * std::log(value / y.low) / std::log(y.high / y.low);
  }
  SvgPoint place(double compute, double loss) const { return {place_x(compute), place_y(loss)}; }
};

/// Axes around frontiers, laws and the target, and around runs not too far above or to the left:
/// their first steps would take most of the page.
PlotFrame frame_data(const Ranking& ranking, std::span<const Curve> curves);

/// True for a point that has a place on logarithmic axes.
bool is_drawable(const CurvePoint& point);

/// Different hues: colours of structures come again after so many.
inline constexpr std::size_t kPlotColours = 12;
/// Of the structure in this place of the ranking.
const char* plot_colour(std::size_t place);

struct PlotLabel {
  std::string text;   ///< the name, cut to what fits beside the axes
  std::size_t place;  ///< in the ranking
  SvgPoint anchor;    ///< end of the law that it names
  double y;           ///< where the name stands, away from its neighbours
};

/// Names of all structures with a law, in the order of their losses at the target.
std::vector<PlotLabel> plot_labels(const Ranking& ranking, const PlotFrame& frame);

}  // namespace einsearch
