// einsearch search --replay: what strategies would have found in an archived exhaustive sweep.
#pragma once

#include "budget_search.h"

namespace einsearch {

/// `archives`: stores, or files of curves. Prints a row per strategy; only that of --strategy where
/// `is_one` is set.
int replay_search(const std::vector<std::string>& archives,
                  const BudgetSearchOptions& options,
                  bool is_one);

}  // namespace einsearch
