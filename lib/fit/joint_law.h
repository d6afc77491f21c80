// Power laws L_s(C) = E + a_s (C / C_s)^-b_s of several structures with one irreducible loss E,
// which belongs to the task and its data rather than to a structure.
//
// Objective: sum over all points of huber(log law - log loss, delta). Residuals are those of log
// loss, not of log(loss - E): the latter grow with E by themselves, which would pull E down.
// C_s is the geometric mean of the structure's computes, so that a_s and b_s are nearly
// independent.
//
// Where a frontier is an envelope of runs, it hangs between the computes where one width overtakes
// another. These scallops are taken off first (flatten() in the .cpp): with five widths, of which
// three are interior, they would raise E by 0.05 of the lowest loss. So the law is what runs touch
// at their own best length, and frontiers of few widths lie above it by `frontier_excess` on
// average.
//
// For a given E the structures part, and each has two parameters. So E is profiled on a grid over
// [0, 0.999 of the least loss]; from the two best places Gauss-Newton steps, reweighted for Huber's
// objective, move all parameters at once. The normal equations are an arrow: E joins blocks of two,
// so a step costs O(points). Both ends must agree to 1e-9.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fit/frontier.h"
#include "fit/power_law.h"

namespace einsearch {

/// Whose irreducible loss a law has.
enum class Irreducible {
  shared,  ///< one of all structures, fitted
  zero,    ///< none: E = 0
  own,     ///< one of each structure, fitted to it alone
  given,   ///< a number from outside
};
const char* to_string(Irreducible irreducible);

struct JointOptions {
  std::optional<double> offset;       ///< E, if it is given; otherwise it is fitted
  std::optional<double> huber_delta;  ///< nothing: max(1e-3, 1.345 x 1.4826 x MAD) of residuals
};

struct JointFit {
  std::vector<PowerLaw> laws;  ///< one per frontier; those without a law have too_few_points
  double offset = 0;           ///< E
  double huber_delta = 0;
  double objective = 0;
  double restart_gap = 0;  ///< relative difference of the two starts' objectives
  FitStatus status = FitStatus::too_few_points;
  /// Objective with E = 0 over the objective reached, minus one: what E buys. 0 where E is given.
  double gain = 0;
};

/// Fits all frontiers at once. Losses must exceed a given offset.
JointFit fit_joint(std::span<const Frontier* const> frontiers, const JointOptions& options = {});

/// All frontiers with their own irreducible loss each (own) or jointly (otherwise). The fit's
/// offset is that of the first law where they differ.
JointFit fit_laws(std::span<const Frontier* const> frontiers,
                  Irreducible irreducible,
                  double given_offset = 0);
JointFit refit_laws(std::span<const Frontier* const> frontiers,
                    const JointFit& start,
                    Irreducible irreducible);

/// The same from the parameters of an earlier fit of nearly the same data, without a grid: what
/// replicates use. `start` must have as many laws as there are frontiers.
JointFit refit_joint(std::span<const Frontier* const> frontiers,
                     const JointFit& start,
                     bool is_offset_fitted);

}  // namespace einsearch
