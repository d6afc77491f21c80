// Two sides of the lattice 1/n for every rho at once.
//
// With both sides fixed, everything but rho is worked out once. What is left are rows over rho:
// nu and psi are stretches of one table of k / n; params, FLOPs and rank are min(cap, slope n_rho);
// and where several divisors of a width are equally near, the choice between them (break_ties) is a
// few multiplications per rho. Filters and ties are plain loops over these rows, which compilers
// turn into vector code: 218,128,741 points of the lattice 1/60 are judged in about a second on two
// cores. One by one, with bisection over rho for the filters, they took six.
#pragma once

#include <vector>

#include "search/enumerate.h"
#include "search/grid_space.h"

namespace einsearch {

class GridPair {
 public:
  explicit GridPair(const GridSpace& space);

  /// Turns to two sides and to rho = 0 ... limit / n.
  void bind(std::size_t input, std::size_t output, int limit);

  /// How many of these the filters keep, and how many are left out for their sizes.
  Tally count(const FilterSet& filters);

  /// As GridSpace::place() and GridSpace::size() for one rho.
  void place(int rho, Candidate& candidate) const;
  bool size(int rho, Candidate& candidate);

 private:
  /// One choice of sizes; n_rho is 1 in it.
  struct Option {
    Sizes sizes;
    RoundingQuality quality;  // of the sides
    double macs_a_first, macs_b_first;
    double cut;         // min(cut_A, cut_B)
    double cap;         // of the rank
    double preference;  // among equals the larger one is taken
  };
  using Row = std::vector<double>;  // mostly one number for each rho

  std::size_t rows() const { return static_cast<std::size_t>(limit_) + 1; }
  void find_options();
  void choose_options();
  bool may_overflow() const;
  Tally count_one_by_one(const FilterSet& filters);
  void keep_valid();
  void keep_by_theta(const Filter& filter);
  void keep_by_sizes(const Filter& filter);
  void keep_by_rounding(const Filter& filter);
  Count kept() const;
  double value_at_one(const NumericColumn& column, const Option& option) const;

  const GridSpace& space_;
  Row fractions_;         // k / n
  Row capped_fractions_;  // min(1, k / n)
  Row n_rho_, n_rho_over_power_, power_over_n_rho_, ones_;
  std::vector<RoundingQuality> inner_quality_;
  Row is_inner_valid_;  // 1 or 0

  std::size_t input_ = 0, output_ = 0;
  int limit_ = -1;
  bool has_options_ = false;
  std::vector<Option> options_;
  std::vector<std::size_t> choice_;  // for each rho, an index into options_
  Row best_, best_rank_, best_ratio_, best_preference_;
  Row slopes_;
  Row keep_;  // 1 or 0
};

}  // namespace einsearch
