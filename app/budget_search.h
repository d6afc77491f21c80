// einsearch search --budget: successive halving over scales, from a space to a ranked few.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "run_arguments.h"
#include "store_execution.h"

namespace einsearch {

struct BudgetSearchOptions {
  RunArguments run;
  StoreExecution execution;
  std::string budget, space, prior, design, match, horizon, trainer, strategy = "halving";
  double target_compute = 0;
  Count finalists = 0, seeds = 1, confirmation_seeds = 3, depth = 3, seed_task = 0, seed = 0;
  bool is_forced = false, keeps_rate = false, is_dry = false;
  std::string folder;            ///< of results
  std::string title = "Search";  ///< of pictures
  std::string format;
};

/// Declares them on a command; `options` must stay where it is.
void add_budget_search(CLI::App& command, BudgetSearchOptions& options);

/// The options of the standard search: the lattice 1/3 on a small regression task, about a minute
/// on two cores, the same everywhere.
void set_standard(BudgetSearchOptions& options);

int budget_search(const BudgetSearchOptions& options);

}  // namespace einsearch
