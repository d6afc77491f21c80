#include "fit/law_band.h"

#include <algorithm>
#include <cmath>

namespace einsearch {

std::vector<BandPoint> law_band(const Ranking& ranking, const RankedStructure& row, int n_points) {
  std::vector<BandPoint> band;
  const auto place = std::find(ranking.names.begin(), ranking.names.end(), row.structure);
  if (!row.law.is_usable() || place == ranking.names.end()) return band;
  const auto s = static_cast<std::size_t>(place - ranking.names.begin());
  const double first = std::log(row.law.min_compute);
  const double last = std::log(std::max(row.law.max_compute, ranking.target_compute));
  for (int i = 0; i < n_points; ++i) {
    const double compute =
        std::exp(first + (last - first) * static_cast<double>(i) / (n_points - 1));
    std::vector<double> deviations;
    if (row.predicted_loss.has_interval()) {
      deviations = deviations_of(ranking.replicates, [&](const FitSample& sample) {
        return score_of(sample, s, RankBy::predicted_loss, compute);
      });
    }
    const Estimate loss = with_log_deviations(row.law.loss(compute), deviations);
    band.push_back({compute, loss.value, loss.low, loss.high});
  }
  return band;
}

}  // namespace einsearch
