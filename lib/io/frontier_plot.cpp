#include "io/frontier_plot.h"

#include "io/svg.h"

namespace einsearch {

std::string frontier_svg(const Ranking&, std::span<const Curve>, const PlotOptions& options) {
  return Svg(options.width, options.height, options.title).finish();
}

}  // namespace einsearch
