// Which law predicts best? Fit the k smallest widths, predict what the next one adds to the
// frontier, and compare: the evidence for E = 0, a shared E or one of each structure.
#pragma once

#include <span>
#include <vector>

#include "fit/joint_law.h"
#include "fit/structure_fit.h"

namespace einsearch {

struct RolloutRow {
  Irreducible irreducible;
  Count n_widths = 0;      ///< fitted; the next is predicted
  Count n_structures = 0;  ///< whose next width could be predicted
  Count n_points = 0;      ///< frontier points predicted
  double error = 0;        ///< mean |log law - log loss| of them
};

struct Rollout {
  std::vector<RolloutRow> rows;
  /// Mean error over the numbers of widths that every law could be fitted to; nan: none.
  double mean_error(Irreducible irreducible) const;
};

/// Tries each law on every number of widths from four on.
Rollout roll_out(std::span<const StructureFit> fits, std::span<const Irreducible> laws);

/// How a structure's largest width was predicted from the others; nan where there are fewer than
/// four widths or nothing was left to predict.
struct LeftOut {
  double error = kMissing;     ///< mean |log law - log loss| of its frontier points
  double distance = kMissing;  ///< how far beyond the others, mean log of compute

  /// Deviation of log loss to expect at `compute`, outside what a law was fitted to, from the law
  /// itself being wrong: the error in proportion to the distance, and beyond that of the test to
  /// its square, as the error of a law that misses a curvature grows. 0 inside.
  double law_deviation(const PowerLaw& law, double compute) const;
};
std::vector<LeftOut> leave_largest_out(std::span<const StructureFit> fits,
                                       Irreducible irreducible,
                                       double given_offset);

}  // namespace einsearch
