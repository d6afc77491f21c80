// einsearch sweep: a grid of runs into a store, whatever happens on the way.
#include <fmt/format.h>

#include "arguments.h"
#include "command.h"
#include "log.h"
#include "output.h"
#include "plan_table.h"
#include "store_execution.h"
#include "sweep_arguments.h"
#include "sweep_config.h"

namespace einsearch {
namespace {

struct SweepOptions {
  SweepArguments grid;
  StoreExecution execution;
  bool is_dry = false;
  OutputOptions output;
};

/// Says what the store has that this plan has not: an option that matters makes other runs.
void report_beginning(const RunStore& store, const Plan& plan) {
  Count known = 0;
  for (const PlannedRun& run : plan.runs) known += store.find(run.id) != nullptr ? 1 : 0;
  const auto others = static_cast<Count>(store.runs().size()) - known;
  if (others > 0) {
    log_info(fmt::format("{} holds {} run(s) of other options; this sweep adds {} to its {}",
                         store.folder(),
                         others,
                         static_cast<Count>(plan.runs.size()) - known,
                         known));
  }
}

int sweep(CLI::App& command, SweepOptions& options) {
  const StoreExecution& execution = options.execution;
  check_store_execution(execution, options.grid.trainer);
  const Threads threads(execution.thread_count());
  const std::vector<ModelStructure> structures = read_structures(options.grid.structures);
  const Plan plan = make_plan(grid_of(options.grid, structures), threads);
  if (options.is_dry) {
    print_plan(plan,
               {.output = options.output,
                .shard = parse_shard(execution.shard),
                .is_timed = options.grid.trainer.empty()},
               threads);
    return kDone;
  }
  RunStore store = open_store(execution);
  store.add_sweep(effective_config(command, structures));
  report_beginning(store, plan);
  StoreRunner runner(
      execution,
      {.command = options.grid.trainer, .data = options.grid.run.task.data, .title = "sweep"});
  const ExecuteResult result = runner.run(plan, store, threads);
  log_info(describe_result(result, execution.store));
  return status_after(result);
}

}  // namespace

void add_sweep(CLI::App& app, Program& program) {
  static SweepOptions options;
  CLI::App* command = app.add_subcommand("sweep", "Train a grid of models into a store");
  add_grid_options(*command, options.grid);
  add_model_options(*command, options.grid.run);
  add_task_options(*command, options.grid.run.task);
  add_training_options(*command, options.grid.run);
  add_store_execution(*command, options.execution);
  command->add_flag("--dry-run", options.is_dry, "print the plan instead")->group("Execution");
  add_output_options(*command, options.output);
  command->callback(
      [&program, command] { program.run = [command] { return sweep(*command, options); }; });
}

}  // namespace einsearch
