// The frontier of the einsum-search paper's released notebooks (NeurIPS 2024, arXiv 2410.02117),
// for parity with its numbers. It is not the default: on real curves it inflates exponents by
// 15-34 %.
//
//   1. Convex hull of the points in (ln compute, ln loss) with one artificial point beyond the
//      upper right corner; its vertices without that point, by compute.
//   2. ln loss is interpolated along the vertices; every point within a relative excess `tolerance`
//      of it joins, after the vertices, in the order of the table.
//   3. "Improve": by compute, a row is kept iff its loss is below that of the row just before it;
//      the first row of the front, which has no row before it, is appended at the end. One pass
//      only, so dominated points remain, as in the original; rows of equal compute come in the
//      order of fit/quicksort_order.h.
//   4. Compute outside a window is dropped; ordinary least squares of ln loss on ln compute.
#pragma once

#include <span>
#include <vector>

#include "base/types.h"
#include "fit/frontier.h"
#include "fit/line.h"

namespace einsearch {

struct HullOptions {
  double tolerance = 0.02;  ///< 0.02 in the paper's regression notebook, 0.05 for pixels
  double min_step = 0;
  double max_step = kInfinity;
  Count step_multiple = 1;  ///< keep steps divisible by this
  double min_compute = 0;   ///< window of the fit, in the units of the compute
  double max_compute = kInfinity;
};

/// Points as columns of equal length; all values above 0.
struct PointTable {
  std::vector<double> compute;
  std::vector<double> loss;

  std::size_t size() const { return compute.size(); }
};

/// Step 1: positions of the hull's vertices, by compute.
std::vector<Index> hull_vertices(const PointTable& table);

/// Step 2: positions of the front, vertices first.
std::vector<Index> hull_front(const PointTable& table, double tolerance);

/// Step 3: positions that remain of `front`.
std::vector<Index> improving(const PointTable& table, std::span<const Index> front);

/// Line through (ln compute, ln loss) of the rows given. The law's exponent is minus its slope.
LineFit fit_log_line(const PointTable& table, std::span<const Index> rows);

/// Drops rows from the last one backwards while R^2 rises (at least one is dropped); how many rows
/// remain.
std::size_t pruned_count(const PointTable& table, std::span<const Index> rows);

/// The line that lies below every point in (ln compute, ln loss) and is highest on average: a
/// linear program whose solution is the edge of the lower hull below the mean of ln compute.
/// Returns ln loss = intercept + slope ln compute.
LineFit line_below(const PointTable& table);

/// y = a + b x^-c by Levenberg-Marquardt (Eigen's port of MINPACK, the optimiser behind
/// scipy.optimize.curve_fit, with its tolerances) from (1, 1, 1) after dividing x and y by their
/// maxima.
struct OffsetLaw {
  double a = 0;
  double b = 0;
  double c = 0;
  bool is_converged = false;
};
OffsetLaw fit_offset_law(const PointTable& table, std::span<const Index> rows);

/// Steps 1 to 4 on the runs of one structure; the points chosen and the step window applied first.
Frontier hull_frontier(const Runs& runs,
                       PointChoice choice,
                       const HullOptions& options,
                       double offset = 0,
                       const Resample& resample = {});

}  // namespace einsearch
