// What the final few are worth, from runs that had no part in choosing them.
//
// Finalists and dense are trained at the two largest scales with S fresh seeds of weights, examples
// and target. With l the log loss at the end of a run at the largest scale, averaged over seeds,
// C its compute, and b the slope of dense between the two scales, the compute multiplier is
//     log m_s = log C_dense - log C_s + (l_dense - l_s) / b.
// A seed is easy or hard for all structures alike, so noise is what is left in l after the means of
// structures and of seeds: F (S - 1) degrees of freedom at each of the two scales for F structures
// beside dense. Intervals are those of Student's t, with the uncertainty of b; probabilities are
// shares of 10,000 draws from the same distribution. Nothing that the selection saw is used.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fit/estimate.h"
#include "train/curve.h"

namespace einsearch {

/// Runs of one structure, by seed; nullptr or unsound: none.
struct ConfirmationRuns {
  std::string name;
  std::vector<const Curve*> smaller, larger;  ///< at the two largest scales
};

struct ConfirmedStructure {
  std::string name;
  double loss = kMissing;  ///< geometric mean over seeds at the largest scale
  Estimate multiplier;     ///< no interval: of dense, or with one seed
  double p_best = kMissing;
  double p_beats_dense = kMissing;
  /// Better (worse) than dense though all finalists had their chance: at 97.5 % for all at once.
  bool surely_beats_dense = false, is_surely_beaten = false;
  std::string fault;  ///< why there is no multiplier
};

struct Confirmation {
  std::vector<ConfirmedStructure> rows;  ///< in the order given
  double compute = kMissing;             ///< of dense's runs at the largest scale
  double slope = kMissing;               ///< b
  double noise = kMissing;               ///< standard deviation of a run's log loss
  Count degrees_of_freedom = 0;
  Count n_seeds = 0;
};

/// Dense comes first. Throws Error where dense has no sound run or its loss does not fall.
Confirmation confirm(std::span<const ConfirmationRuns> structures, std::uint64_t seed);

}  // namespace einsearch
