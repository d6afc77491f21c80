// What a search leaves behind: its ranking, its decisions, its picture, and what it says in words.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "io/table.h"
#include "search/search_loop.h"

namespace einsearch {

/// One row per structure, confirmed ones first by their multiplier, the others in the order of the
/// selection, dropped ones last; or the confirmed alone. `table` has the columns search_columns().
enum class SearchRows { all, confirmed };
void write_search(TableWriter& table,
                  const SearchLoop& loop,
                  const HalvingState& state,
                  SearchRows rows);

/// `table` has the columns decision_columns().
void write_decisions(TableWriter& table, const HalvingState& state);

/// Loss against compute of the finalists and dense.
std::string search_svg(const SearchLoop& loop, const HalvingState& state);

/// How many structures each stage has begun and ended with and why they left; what was confirmed.
std::vector<std::string> search_lines(const HalvingState& state, const HalvingOptions& options);

}  // namespace einsearch
