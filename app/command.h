// How subcommands hook into the program. Each cmd_<name>.cpp defines one add_<name>() that declares
// its options and, when the user picked that command, leaves the work to do in Program::run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "exit_status.h"

namespace einsearch {

struct Program {
  std::function<int()> run;  ///< the chosen subcommand; returns an ExitStatus
};

void add_bench(CLI::App& app, Program& program);
void add_data(CLI::App& app, Program& program);
void add_check(CLI::App& app, Program& program);
void add_columns(CLI::App& app, Program& program);
void add_completion(CLI::App& app, Program& program);
void add_config(CLI::App& app, Program& program);
void add_selftest(CLI::App& app, Program& program);
void add_search(CLI::App& app, Program& program);
void add_slurm(CLI::App& app, Program& program);
void add_store_commands(CLI::App& app, Program& program);
void add_sweep(CLI::App& app, Program& program);
void add_train(CLI::App& app, Program& program);
void add_fit_scaling(CLI::App& app, Program& program);
void add_plot(CLI::App& app, Program& program);
void add_predict(CLI::App& app, Program& program);
void add_score(CLI::App& app, Program& program);
void add_enumerate(CLI::App& app, Program& program);
void add_inspect(CLI::App& app, Program& program);

}  // namespace einsearch
