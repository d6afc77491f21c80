// A search without training: structures with known laws, and what a run of each would have been.
//
// L_s(C) = E + a_s (C / C_mid)^-b_s at the end of a run; a rate that is off by a factor f from the
// structure's best costs rate_penalty (log2 f)^2 of the reducible loss; noise multiplies the loss
// and depends on the run alone. A confirmation seed also has a target of its own, which is as hard
// for everybody.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "search/halving.h"

namespace einsearch {

struct PlantedStructure {
  std::string name;
  std::string family = "generic";
  double prefactor = 1;  ///< a
  double exponent = 0.15;
  double best_rate = 1;
  bool diverges = false;
  std::string parent = {};  ///< off the lattice: a neighbour of this structure ...
  int round = 0;            ///< ... in this round of the refinement
};

class PlantedSearch {
 public:
  double offset = 0.2;
  double noise = 0.005;
  double target_noise = 0.02;  ///< of a confirmation seed's target
  double rate_penalty = 0.02;
  std::uint64_t seed = 0;
  std::vector<PlantedStructure> structures;                         ///< dense first
  std::vector<double> flops = {1e9, 4e9, 1.6e10, 6.4e10, 2.56e11};  ///< of a run at each scale

  SearchProblem problem() const;
  double loss(const std::string& name, double compute) const;
  /// Compute that dense needs for the loss of `name` at `compute`, over `compute`.
  double multiplier(const std::string& name, double compute) const;

  Curve curve(const SearchCandidate& candidate, const Trial& trial) const;

 private:
  const PlantedStructure& find(const std::string& name) const;
};

/// A search that has everything that it asks for; counts the runs and their compute.
struct PlantedRun {
  HalvingState state;
  std::size_t runs = 0;
};
PlantedRun run_planted(const PlantedSearch& world, const HalvingOptions& options);

/// n structures beside dense; levels and slopes scatter by these standard deviations.
PlantedSearch planted_world(int n, double level_scatter, double slope_scatter, std::uint64_t seed);

}  // namespace einsearch
