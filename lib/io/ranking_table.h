// A ranking and its frontiers as tables; columns are ranking_columns() and frontier_columns() in
// io/columns.h.
#pragma once

#include <string>
#include <vector>

#include "fit/ranking.h"
#include "io/table.h"

namespace einsearch {

/// One row per structure; `table` has the columns ranking_columns().
void write_ranking(TableWriter& table, const Ranking& ranking);

/// The columns of a ranking that fit a terminal: what it is, what it costs, exponent and multiplier
/// with their intervals.
std::vector<std::string> summary_columns();

/// One row per structure; `table` has the columns summary_columns().
void write_ranking_summary(TableWriter& table, const Ranking& ranking);

/// One row per frontier point, each naming its run; `table` has the columns frontier_columns().
void write_frontiers(TableWriter& table, const Ranking& ranking);

}  // namespace einsearch
