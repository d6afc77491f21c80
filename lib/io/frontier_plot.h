// The picture of a fit: loss against training compute, both logarithmic. Runs are faint, frontier
// points and laws strong, one colour per structure, names at the ends of the laws.
#pragma once

#include <span>
#include <string>

#include "fit/ranking.h"
#include "train/curve.h"

namespace einsearch {

struct PlotOptions {
  std::string title = "Loss against training compute";
  std::string x_label = "training compute (FLOPs)";
  std::string y_label = "held-out loss";
  int width = 900;   ///< pixels
  int height = 600;  ///< pixels
};

/// A whole SVG document; equal input gives equal bytes. `curves` are those that were ranked.
std::string frontier_svg(const Ranking& ranking,
                         std::span<const Curve> curves,
                         const PlotOptions& options = {});

}  // namespace einsearch
