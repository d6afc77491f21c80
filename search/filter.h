// Which candidates a user wants to see: bounds on columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "structure/candidate.h"

namespace einsearch {

enum class Comparison { at_most, at_least, below, above, equal };

/// Numbers from lowest to highest, both included.
struct AcceptedValues {
  double lowest;
  double highest;

  bool contains(double x) const { return lowest <= x && x <= highest; }
};

/// column (comparison) bound; both sides are the same within 1e-9.
struct Filter {
  const NumericColumn* column = nullptr;
  Comparison comparison = Comparison::at_most;
  double bound = 0;

  /// The values that it accepts.
  AcceptedValues accepted() const;
  bool accepts(const Candidate& candidate) const {
    return accepted().contains(column->value(candidate));
  }
};

/// What a column is compared with: a finite number or a fraction such as 1/2; throws Error naming
/// `where`.
double parse_bound(std::string_view text, const std::string& where);

/// "omega<=0.5, psi>=1": comparisons <=, >=, <, > and = between a numeric column and a number, all
/// of which must hold. Throws Error.
std::vector<Filter> parse_filters(std::string_view text);

/// Filters, split into those that theta alone decides and those that need sizes.
class FilterSet {
 public:
  FilterSet() = default;
  explicit FilterSet(const std::vector<Filter>& filters);

  bool accepts_theta(const Candidate& candidate) const;
  bool accepts_sizes(const Candidate& candidate) const;
  bool accepts(const Candidate& candidate) const {
    return accepts_theta(candidate) && accepts_sizes(candidate);
  }
  const std::vector<Filter>& of_theta() const { return of_theta_; }
  const std::vector<Filter>& of_sizes() const { return of_sizes_; }
  bool is_empty() const { return of_theta_.empty() && of_sizes_.empty(); }

  /// The column of a filter that needs sizes, or nothing.
  const NumericColumn* column_of_sizes() const {
    return of_sizes_.empty() ? nullptr : of_sizes_.front().column;
  }

 private:
  std::vector<Filter> of_theta_;
  std::vector<Filter> of_sizes_;
};

}  // namespace einsearch
