// Which structures nobody dominates, when more than one thing counts.
//
// A structure dominates another where it is at least as good by every criterion and better by one.
// Fitted criteria (exponent, loss at the target) are uncertain, so the answer is a probability: the
// share of replicates in which nobody dominates the structure. Sizes and FLOPs are exact.
#pragma once

#include <string>
#include <vector>

#include "fit/ranking.h"

namespace einsearch {

/// Names as typed after --pareto: predicted-loss, multiplier, exponent, last-loss, params, flops.
const std::vector<std::string>& criterion_names();

/// Keeps the rows that nobody dominates with probability above `least`, and notes it in them.
void keep_undominated(Ranking& ranking, const std::vector<std::string>& criteria, double least);

/// Per row of the ranking P(nobody dominates it); nan where a criterion is missing. Without
/// replicates it is 0 or 1, by the estimates. Throws Error for an unknown or repeated criterion,
/// and for fewer than two.
std::vector<double> undominated_probabilities(const Ranking& ranking,
                                              const std::vector<std::string>& criteria);

}  // namespace einsearch
