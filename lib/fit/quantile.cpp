#include "fit/quantile.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/types.h"

namespace einsearch {

double quantile_of_sorted(const std::vector<double>& sorted, double p) {
  assert(!sorted.empty() && p >= 0 && p <= 1);
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

Interval percentile_interval(std::vector<double> replicates, double coverage) {
  const std::size_t n = replicates.size();
  std::erase_if(replicates, [](double value) { return !std::isfinite(value); });
  if (replicates.empty() || 2 * replicates.size() < n) {
    return {kMissing, kMissing};
  }
  std::sort(replicates.begin(), replicates.end());
  const double tail = (1 - coverage) / 2;
  return {quantile_of_sorted(replicates, tail), quantile_of_sorted(replicates, 1 - tail)};
}

}  // namespace einsearch
