// Conditions on rows of a CSV, as typed: "C<1e21", "epoch_keep=1", "dataset!=rw".
#pragma once

#include <string>
#include <vector>

#include "io/csv.h"

namespace einsearch {

/// A column, a comparison and a value. Numbers are compared as numbers, other text only for
/// equality.
struct RowCondition {
  enum class Comparison { equal, not_equal, less, less_or_equal, greater, greater_or_equal };

  std::string column;
  Comparison comparison = Comparison::equal;
  std::string value;

  bool operator==(const RowCondition&) const = default;
};

/// Throws Error naming `option` unless `text` is COLUMN, one of = != < <= > >=, VALUE.
RowCondition parse_condition(const std::string& text, const std::string& option);

/// Conditions bound to the columns of one file; a row passes when it meets all of them.
class RowFilter {
 public:
  /// Throws Error for a column that the file lacks.
  RowFilter(const std::vector<RowCondition>& conditions, const CsvReader& csv);

  bool is_empty() const { return bound_.empty(); }
  /// Throws Error where text is compared by size.
  bool passes(const CsvReader& csv) const;

 private:
  struct Bound {
    RowCondition condition;
    std::size_t column;
  };
  std::vector<Bound> bound_;
};

}  // namespace einsearch
