// One structure at one size with everything that tables say about it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "structure/divisors.h"
#include "structure/layer_shape.h"
#include "structure/structure.h"
#include "structure/taxonomy.h"

namespace einsearch {

struct Candidate {
  std::string name;  ///< empty: that of theta, see candidate_name()
  Theta theta;
  std::optional<Index> fixed_n_rho = std::nullopt;  ///< as in Structure
  LayerShape shape;
  Taxonomy taxonomy;
  RoundingQuality quality;

  bool operator==(const Candidate&) const = default;
};

inline Family family(const Candidate& candidate) {
  return family(candidate.theta, candidate.fixed_n_rho);
}

std::string candidate_name(const Candidate& candidate);

/// Resolves many structures at the same widths; the divisors of the widths are found once.
class WidthResolver {
 public:
  WidthResolver(Index d_in, Index d_out, const ResolveOptions& options);

  /// The structure at these widths whatever its padding and rounding error.
  Candidate at_any_quality(const Structure& structure) const;

  /// Nothing when padding is beyond 15 % or a size is more than a factor 2 from its power.
  std::optional<Candidate> operator()(const Structure& structure) const;

 private:
  Widths widths_;
  ResolveOptions options_;
  std::shared_ptr<const DivisorTriples> input_;
  std::shared_ptr<const DivisorTriples> output_;
};

/// What decides a column of an einsum, and how it grows with n_rho while all other sizes stay.
enum class Follows {
  theta,       ///< a function of theta alone
  sides,       ///< the other six sizes and the widths
  inner_size,  ///< proportional to n_rho
  rank,        ///< proportional to n_rho up to min(d_in, d_out, pad_in, pad_out)
  rounding,    ///< the largest of a number for each exponent
};

/// A column of numbers, by the name that tables print.
struct NumericColumn {
  std::string_view name;
  double (*value)(const Candidate&);
  Follows follows = Follows::sides;
  bool is_larger_better = false;  ///< in a Pareto frontier

  bool depends_on_sizes() const { return follows != Follows::theta; }
};

std::span<const NumericColumn> numeric_columns();

/// Throws Error with a suggestion for an unknown name.
const NumericColumn& find_numeric_column(std::string_view name);

}  // namespace einsearch
