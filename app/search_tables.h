// What a search leaves behind: its ranking, its decisions, its picture, and what it says in words.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fit/checked_ranking.h"
#include "io/table.h"
#include "search/search_loop.h"

namespace einsearch {

/// A search that is over, and how its structures were tuned.
struct SearchReport {
  const SearchLoop& loop;
  const HalvingState& state;
  TuningReport tuning;  ///< of loop.curves()
  FailedTuning failed = FailedTuning::left_out;
};

/// One row per structure, confirmed ones first by their multiplier, the others in the order of the
/// selection, dropped ones last; or the confirmed alone. A structure whose tuning fails has no rank
/// unless that is asked for. `table` has the columns search_columns().
enum class SearchRows { all, confirmed };
void write_search(TableWriter& table, const SearchReport& report, SearchRows rows);

/// The confirmed structures for a terminal; `table` has the columns search_summary_columns().
void write_search_summary(TableWriter& table, const SearchReport& report);
std::vector<std::string> search_summary_columns();

/// `table` has the columns decision_columns().
void write_decisions(TableWriter& table, const HalvingState& state);

/// How many structures each stage has begun and ended with and why they left; what was confirmed.
std::vector<std::string> search_lines(const SearchReport& report);

}  // namespace einsearch
