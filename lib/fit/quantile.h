// Quantiles of replicates, and the intervals made of them.
#pragma once

#include <vector>

namespace einsearch {

struct Interval {
  double low;
  double high;

  bool contains(double value) const { return low <= value && value <= high; }
};

/// Quantile p of `sorted` (ascending, not empty), linear between order statistics: Hyndman and
/// Fan's type 7, the default of R and NumPy.
double quantile_of_sorted(const std::vector<double>& sorted, double p);

/// The middle `coverage` (0.95) of the replicates. Values that are not finite are left out; nan
/// where fewer than half are finite.
Interval percentile_interval(std::vector<double> replicates, double coverage);

}  // namespace einsearch
