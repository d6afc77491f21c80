// The candidates that nothing dominates.
#pragma once

#include <string_view>
#include <vector>

#include "structure/candidate.h"

namespace einsearch {

/// Keeps every candidate for which no other is at least as good in all objectives and better in
/// one. Smaller is better, except for rank and psi. Memory grows with the frontier, not with the
/// candidates; a candidate costs one pass over the frontier's distinct objective vectors.
class ParetoFrontier {
 public:
  explicit ParetoFrontier(std::vector<const NumericColumn*> objectives);

  void offer(const Candidate& candidate);

  /// In the order in which they were offered.
  std::vector<Candidate> candidates() const;

 private:
  struct Entry {
    std::size_t number;  // of the offer
    Candidate candidate;
  };
  /// Candidates with equal objectives; they do not dominate each other.
  struct Cell {
    std::vector<double> costs;
    std::vector<Entry> entries;
  };

  std::vector<const NumericColumn*> objectives_;
  std::vector<Cell> cells_;
  std::size_t offered_ = 0;
};

/// "flops,params,rank"; throws Error for an unknown column.
std::vector<const NumericColumn*> parse_objectives(std::string_view text);

}  // namespace einsearch
