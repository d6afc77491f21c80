// What the final few are worth, from runs that had no part in choosing them.
//
// Finalists and dense are trained at the two largest scales with S fresh seeds of weights, examples
// and target. With l = log(L - E), L the geometric mean over seeds of the losses at the end of runs
// at the largest scale, C their compute, and b the slope of dense's l between the two scales, the
// compute multiplier is
//     log m_s = log C_dense - log C_s + (l_dense - l_s) / b.
// A seed is easy or hard for all structures alike, so the noise of a run is what is left of its log
// loss after the means of structures and of seeds: F (S - 1) degrees of freedom at each of the two
// scales for F structures beside dense. Intervals are those of Student's t, with the uncertainty of
// b; probabilities are shares of 10,000 draws from the same distribution. The lower end holds for
// all finalists at once (at 97.5 %), because whoever is called the winner was picked among them;
// the upper end for each alone.
//
// Of the selection's results only E is used, the irreducible loss that all structures share: two
// scales cannot tell it, and without it the multiplier of a structure that is far from dense would
// be far off. It does not depend on who was chosen; its uncertainty is part of the intervals.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"
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
  double irreducible_loss = 0;           ///< E as used
  double noise = kMissing;               ///< standard deviation of a run's log loss
  Count degrees_of_freedom = 0;
  Count n_seeds = 0;
};

/// Dense comes first. `irreducible_loss` is E with its standard error; one that a loss does not
/// exceed counts as 0. Throws Error where dense has no sound run or its loss does not fall.
Confirmation confirm(std::span<const ConfirmationRuns> structures,
                     const Estimate& irreducible_loss,
                     std::uint64_t seed);

}  // namespace einsearch
