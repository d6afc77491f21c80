// What replicates say about an order: ranks with intervals, probabilities, shrinkage.
#pragma once

#include <vector>

#include "base/types.h"

namespace einsearch {

/// Scores of n structures (lower is better) and, per structure, their deviations in each
/// replicate.
struct ScoredReplicates {
  std::vector<double> score;
  std::vector<std::vector<double>> deviation;  ///< structure x replicate
};

struct RankInference {
  Count rank_low = 0;  ///< 95 % interval of the rank, 1 = best; 0: none
  Count rank_high = 0;
  double p_best = 0;
};

/// Intervals of ranks after Mogstad, Romano, Shaikh and Wilhelm (2024): all differences of one
/// structure from the others get simultaneous 95 % intervals, and its rank lies between one more
/// than the structures that are surely better and n less those that are surely worse. Probabilities
/// are shares of replicates, each structure's score moved by minus its deviation. Replicates with a
/// value that is not finite are left out.
std::vector<RankInference> infer_ranks(const ScoredReplicates& scored);

/// Kendall's tau-b of two scores; nan where one is constant.
double kendall_tau(const std::vector<double>& a, const std::vector<double>& b);

/// Shrinks estimates with known variances towards their weighted mean: theta_s ~ N(mu, tau^2),
/// tau^2 by moments (DerSimonian and Laird 1986). Entries with variances that are not finite stay
/// as they are.
std::vector<double> shrink(const std::vector<double>& estimates,
                           const std::vector<double>& variances);

}  // namespace einsearch
