// Curves whose law is known: what tests of fits plant and expect back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fit/ranking.h"
#include "train/curve.h"

namespace einsearch {

/// Runs at a constant rate whose envelope is exactly loss = offset + prefactor compute^-exponent:
/// each width's curve touches the law at its own best compute and lies above it elsewhere.
struct PlantedLaw {
  std::string structure = "dense";
  double exponent = 0.15;
  double prefactor = 4;
  double offset = 0;
  std::vector<Count> widths = {64, 96, 144, 216, 324, 486};
  Count n_seeds = 2;
  double noise = 0;  ///< standard deviation of each run's log loss
  std::uint64_t noise_seed = 0;
  double cost = 1;  ///< compute of every point, relative: 0.5 is twice as cheap
};

std::vector<Curve> planted_curves(const PlantedLaw& law);

/// Several laws in one list.
std::vector<Curve> joined(std::vector<Curve> a, const std::vector<Curve>& b);

/// Fails the test if there is no such row.
const RankedStructure& row_of(const Ranking& ranking, const std::string& structure);

}  // namespace einsearch
