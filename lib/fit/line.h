// The straight line through points by least squares.
#pragma once

#include <span>

#include "base/types.h"

namespace einsearch {

/// y = intercept + slope x. Standard errors are those of independent errors of equal variance with
/// n - 2 degrees of freedom (0 for n = 2), as in scipy.stats.linregress.
struct LineFit {
  double slope = 0;
  double intercept = 0;
  double slope_stderr = 0;
  double intercept_stderr = 0;
  double r_squared = 0;  ///< squared correlation of x and y
  Index n = 0;
};

/// Needs at least two different x, the same number of y. Sums are formed about the means.
LineFit fit_line(std::span<const double> x, std::span<const double> y);

}  // namespace einsearch
