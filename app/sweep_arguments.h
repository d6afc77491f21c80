// What a sweep runs: the options that make its grid, from the command line, a file, or both.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "run_arguments.h"
#include "search/grid.h"

namespace einsearch {

struct SweepArguments {
  RunArguments run;
  std::string structures, match, match_by = "flops", widths, depths = "3";
  std::string horizon = "steps:1000", branch_at, lr_factors = "1", batches;
  std::string seeds = "0", seeds_init, seeds_data, seed_task = "0";
  std::string trainer;
};

/// Declares them on a command; `arguments` must stay where it is.
void add_grid_options(CLI::App& command, SweepArguments& arguments);

/// The grid; opens the task's data. `structures` has been read (see read_structures).
Grid grid_of(const SweepArguments& arguments, const std::vector<ModelStructure>& structures);

/// The list of --structures: names and thetas, files of such lines or tables with a column
/// structure ("-": standard input).
std::vector<ModelStructure> read_structures(const std::string& list);

/// "steps:N", "examples-per-param:R", "flops:C1..C2*k"; throws Error.
Horizon parse_horizon(const std::string& text);

}  // namespace einsearch
