#include "io/spread_apart.h"

#include <algorithm>
#include <cstddef>

namespace einsearch {
namespace {

/// Labels that touch and move as one.
struct Pool {
  double sum = 0;
  double n = 0;

  double mean() const { return sum / n; }
};

}  // namespace

std::vector<double> spread_apart(const std::vector<double>& wanted,
                                 double gap,
                                 double top,
                                 double bottom) {
  if (wanted.empty()) return {};
  const auto n_gaps = static_cast<double>(wanted.size() - 1);
  if (n_gaps > 0) gap = std::min(gap, (bottom - top) / n_gaps);
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    pools.push_back({wanted[i] - static_cast<double>(i) * gap, 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back().sum += last.sum;
      pools.back().n += last.n;
    }
  }
  std::vector<double> places;
  for (const Pool& pool : pools) {
    const double z = std::clamp(pool.mean(), top, bottom - n_gaps * gap);
    for (double k = 0; k < pool.n; ++k) {
      places.push_back(z + static_cast<double>(places.size()) * gap);
    }
  }
  return places;
}

}  // namespace einsearch
