#include "fit/inference.h"

#include <algorithm>
#include <cmath>

#include "fit/quantile.h"

namespace einsearch {
namespace {

constexpr double kCoverage = 0.95;

/// Replicates in which every deviation is finite.
std::vector<std::size_t> complete_replicates(const ScoredReplicates& scored) {
  std::vector<std::size_t> complete;
  if (scored.deviation.empty()) return complete;
  for (std::size_t r = 0; r < scored.deviation[0].size(); ++r) {
    const bool is_complete = std::all_of(scored.deviation.begin(),
                                         scored.deviation.end(),
                                         [r](const auto& row) { return std::isfinite(row[r]); });
    if (is_complete) complete.push_back(r);
  }
  return complete;
}

/// Standard deviation of deviation[a] - deviation[b] about zero.
double spread(const ScoredReplicates& scored,
              const std::vector<std::size_t>& replicates,
              std::size_t a,
              std::size_t b) {
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(replicates.size());
  for (const std::size_t r : replicates) {
    mean += (scored.deviation[a][r] - scored.deviation[b][r]) / n;
  }
  for (const std::size_t r : replicates) {
    const double rest = scored.deviation[a][r] - scored.deviation[b][r] - mean;
    squares += rest * rest;
  }
  return std::sqrt(squares / n);
}

void infer_interval(const ScoredReplicates& scored,
                    const std::vector<std::size_t>& replicates,
                    std::size_t s,
                    RankInference& inference) {
  const std::size_t n = scored.score.size();
  std::vector<double> spreads(n, 0);
  for (std::size_t j = 0; j < n; ++j) spreads[j] = j == s ? 0 : spread(scored, replicates, s, j);
  std::vector<double> largest;
  for (const std::size_t r : replicates) {
    double most = 0;
    for (std::size_t j = 0; j < n; ++j) {
      if (spreads[j] == 0) continue;
      const double difference = scored.deviation[s][r] - scored.deviation[j][r];
      most = std::max(most, std::abs(difference) / spreads[j]);
    }
    largest.push_back(most);
  }
  std::sort(largest.begin(), largest.end());
  const double critical = quantile_of_sorted(largest, kCoverage);
  inference.rank_low = 1;
  inference.rank_high = static_cast<Count>(n);
  for (std::size_t j = 0; j < n; ++j) {
    if (j == s) continue;
    const double difference = scored.score[s] - scored.score[j];
    if (difference > critical * spreads[j]) ++inference.rank_low;
    if (difference < -critical * spreads[j]) --inference.rank_high;
  }
}

}  // namespace

std::vector<RankInference> infer_ranks(const ScoredReplicates& scored) {
  std::vector<RankInference> inferences(scored.score.size());
  const std::vector<std::size_t> replicates = complete_replicates(scored);
  if (replicates.size() < 2) return inferences;
  for (std::size_t s = 0; s < scored.score.size(); ++s) {
    infer_interval(scored, replicates, s, inferences[s]);
  }
  for (const std::size_t r : replicates) {
    std::size_t best = 0;
    const auto drawn = [&](std::size_t s) { return scored.score[s] - scored.deviation[s][r]; };
    for (std::size_t s = 1; s < scored.score.size(); ++s) {
      if (drawn(s) < drawn(best)) best = s;
    }
    inferences[best].p_best += 1 / static_cast<double>(replicates.size());
  }
  return inferences;
}

double kendall_tau(const std::vector<double>& a, const std::vector<double>& b) {
  double concordance = 0, pairs_a = 0, pairs_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = i + 1; j < a.size(); ++j) {
      const double sign_a = a[i] == a[j] ? 0 : (a[i] < a[j] ? -1 : 1);
      const double sign_b = b[i] == b[j] ? 0 : (b[i] < b[j] ? -1 : 1);
      concordance += sign_a * sign_b;
      pairs_a += sign_a * sign_a;
      pairs_b += sign_b * sign_b;
    }
  }
  if (pairs_a == 0 || pairs_b == 0) return kMissing;
  return concordance / std::sqrt(pairs_a * pairs_b);
}

std::vector<double> shrink(const std::vector<double>& estimates,
                           const std::vector<double>& variances) {
  double w = 0, ww = 0, wx = 0, n = 0;
  const auto counts = [&](std::size_t i) {
    return std::isfinite(estimates[i]) && std::isfinite(variances[i]) && variances[i] > 0;
  };
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    if (!counts(i)) continue;
    const double weight = 1 / variances[i];
    w += weight;
    ww += weight * weight;
    wx += weight * estimates[i];
    n += 1;
  }
  std::vector<double> shrunk = estimates;
  if (n < 3) return shrunk;
  double q = 0;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    if (counts(i)) q += (estimates[i] - wx / w) * (estimates[i] - wx / w) / variances[i];
  }
  const double between = std::max(0.0, (q - (n - 1)) / (w - ww / w));
  double weights = 0, sum = 0;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    if (!counts(i)) continue;
    const double weight = 1 / (variances[i] + between);
    weights += weight;
    sum += weight * estimates[i];
  }
  const double mean = sum / weights;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    if (!counts(i)) continue;
    shrunk[i] = mean + between / (between + variances[i]) * (estimates[i] - mean);
  }
  return shrunk;
}

}  // namespace einsearch
