// The interval of a law along compute: what a picture shades.
#pragma once

#include <string>
#include <vector>

#include "fit/ranking.h"

namespace einsearch {

struct BandPoint {
  double compute;
  double loss;       ///< of the law
  double low, high;  ///< 95 % interval of its loss; nan without replicates
};

/// At `n_points` log-spaced computes over the law's fitted range, extended to the target where the
/// law is extrapolated; empty where the structure has no law.
std::vector<BandPoint> law_band(const Ranking& ranking, const RankedStructure& row, int n_points);

}  // namespace einsearch
