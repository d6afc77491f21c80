// The lattice 1/n at given widths. Sizes depend on one side of the layer at a time, so everything
// that a side decides is worked out once per distinct triple of exponents; a point of the lattice
// is then a few look-ups, multiplications and comparisons. Memory grows with the points of a side
// (1,891 at 1/60), not with those of the lattice (218,128,741).
#pragma once

#include <optional>
#include <vector>

#include "search/filter.h"
#include "structure/candidate.h"
#include "structure/lattice.h"

namespace einsearch {

class GridSpace {
 public:
  GridSpace(int n, Index d_in, Index d_out, const ResolveOptions& options);

  int grid() const { return n_; }
  std::size_t side_count() const { return points_.size(); }
  const SidePoint& side_point(std::size_t i) const { return points_[i]; }

  /// Whether a side's sizes are valid: all that it may take, none, or that depends on the other
  /// side.
  enum class Validity { all, none, depends };

  /// A side at one point: the sizes it may take (several only on a tie) and how good each is.
  struct Side {
    std::vector<Triple> triples;
    std::vector<RoundingQuality> quality;
    std::array<double, 3> powers;  ///< d^x before rounding
    Validity validity = Validity::all;
  };
  struct Inner {
    Index n_rho;
    RoundingQuality quality;
    double power;  ///< before rounding
  };
  const Side& input_side(std::size_t i) const { return input_[i]; }
  const Side& output_side(std::size_t i) const { return output_[i]; }
  const std::vector<Inner>& inner() const { return inner_; }  ///< by the numerator of rho
  const Widths& widths() const { return widths_; }
  OrderRule order() const { return options_.order; }

  /// What theta alone decides: theta, taxonomy, whether it is the dense matrix.
  void place(std::size_t input, std::size_t output, int rho, Candidate& candidate) const;

  /// The rest, after place(): false when padding is beyond 15 % or a size is more than a factor 2
  /// from its power.
  bool size(std::size_t input, std::size_t output, int rho, Candidate& candidate) const;

  /// Whether rho = 0 makes these two sides the dense matrix.
  bool may_be_dense(std::size_t input, std::size_t output) const {
    return is_dense({points_[input], points_[output], 0}, n_);
  }

  /// Side points (or numerators of rho) that may lead to the same sizes, in ascending order.
  template <typename Value>
  struct Group {
    Value sizes;
    std::vector<std::size_t> members;
  };
  std::vector<Group<Triple>> input_groups() const { return groups_of(input_); }
  std::vector<Group<Triple>> output_groups() const { return groups_of(output_); }
  std::vector<Group<Index>> rho_groups() const;

 private:
  std::vector<Side> make_sides(Index d, Rounding rounding) const;
  std::vector<Inner> make_inner() const;
  static std::vector<Group<Triple>> groups_of(const std::vector<Side>& sides);

  int n_;
  std::vector<double> values_;  // k / n
  Widths widths_;
  ResolveOptions options_;
  std::vector<SidePoint> points_;
  std::vector<Side> input_;
  std::vector<Side> output_;
  std::vector<Inner> inner_;
  LayerShape dense_;
};

UnroundedSizes unrounded_sizes(const GridSpace::Side& input,
                               const GridSpace::Side& output,
                               const GridSpace::Inner& inner);

/// The larger of either number.
RoundingQuality worst(const RoundingQuality& a, const RoundingQuality& b);

}  // namespace einsearch
