// Points from any CSV: a group, a run, and positive numbers from columns that the user names. What
// `fit-scaling --law surface` and `--law line` read.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/types.h"
#include "io/row_filter.h"

namespace einsearch {

struct PointColumns {
  std::vector<std::string> group;      ///< names of the columns that tell groups apart
  bool is_group_optional = false;      ///< a missing group column puts all rows in one group
  std::string run;                     ///< rows of one run are resampled together; may be empty
  std::vector<std::string> values;     ///< columns of numbers above 0, at most three
  std::vector<RowCondition> where;     ///< rows that are read
  std::vector<RowCondition> hold_out;  ///< of these, rows that are kept from the fit
};

/// Millions of rows may come, so a row has no memory of its own.
struct PointRow {
  Index run = 0;                   ///< numbered within its group, in order of appearance
  std::array<double, 3> values{};  ///< of the columns asked for; the rest 0
  bool is_held_out = false;
};

struct PointGroup {
  std::string name;  ///< fields of the group columns, joined by "/"
  std::vector<PointRow> rows;
  Count n_runs = 0;
};

struct PointFile {
  std::vector<PointGroup> groups;    ///< by name
  std::vector<std::string> remarks;  ///< rows passed over, one line per kind
};

/// Rows with an empty, nan or infinite value, or marked diverged in a column `status`, are passed
/// over and counted. Throws Error naming file, line and column for text in a number, a value that
/// is zero or negative, a missing column, and when no row is left.
PointFile read_points(const std::vector<std::string>& paths, const PointColumns& columns);

}  // namespace einsearch
