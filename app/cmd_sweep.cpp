// einsearch sweep: a grid of runs into a store, whatever happens on the way.
#include <fmt/format.h>

#include <cmath>

#include "arguments.h"
#include "command.h"
#include "io/columns.h"
#include "log.h"
#include "output.h"
#include "search/plan_report.h"
#include "store_execution.h"
#include "structure/family.h"
#include "structure/notation.h"
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

std::string duration_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.2g} s", seconds);
  if (seconds < 6000) return fmt::format("{:.3g} min", seconds / 60);
  return fmt::format("{:.3g} h", seconds / 3600);
}

/// The plan as a table, what it costs, and how evenly shards share it.
void print_plan(const Plan& plan, const SweepOptions& options, const Threads& threads) {
  std::vector<PlanRow> rows = summarise(plan);
  constexpr double kSeconds = 0.5;
  if (options.grid.trainer.empty()) estimate_times(rows, kSeconds);
  Output output(options.output.path);
  TableWriter table(chosen_format(options.output), column_names(plan_columns()), output.sink());
  double time = 0;
  for (const PlanRow& row : rows) {
    const RunSpec& spec = row.first->spec;
    const ModelOptions& model = model_options(spec.model);
    table.cell(structure_text(model))
        .cell(to_string(family(model.structure)))
        .cell(to_string(model.structure.theta))
        .cell(model.width)
        .cell(model.depth)
        .cell(row.first->params)
        .cell(row.flops)
        .cell(spec.batch)
        .cell(to_string(spec.schedule.kind))
        .cell(spec.steps)
        .cell(row.runs)
        .cell(row.train_flops)
        .cell(std::round(row.memory_bytes / 1024 / 10.24) / 100)
        .cell(row.decades);
    row.time_s > 0 ? table.cell(row.time_s) : table.missing();
    table.end_row();
    time += row.time_s;
  }
  table.finish();
  output.finish();
  for (const std::string& warning : warnings_of(rows)) log_warning(warning);

  const std::vector<Job> jobs = jobs_of(plan);
  double cost = 0;
  for (const Job& job : jobs) cost += job.cost;
  std::string text = fmt::format("{} runs, {:.3g} training FLOPs", plan.runs.size(), cost);
  if (cost < plan.train_flops)
    text += fmt::format(" ({:.3g} if branches shared no trunk)", plan.train_flops);
  const Shard shard = parse_shard(options.execution.shard);
  const double longest = jobs.empty() ? 0 : jobs.front().cost / cost;
  const double share = std::max(longest,
                                imbalance(jobs, shard.count * threads.count()) /
                                    static_cast<double>(shard.count * threads.count()));
  if (time > 0) {
    text += fmt::format("; about {} on {} thread{}",
                        duration_text(time * (cost / plan.train_flops) * share),
                        shard.count * threads.count(),
                        shard.count * threads.count() == 1 ? "" : "s");
    if (shard.count > 1) text += fmt::format(" of {} machines like this", shard.count);
  }
  log_info(text);
  if (shard.count > 1) {
    log_info(fmt::format(
        "{} shards: the largest is {:.4f} of the mean", shard.count, imbalance(jobs, shard.count)));
  }
}

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
    print_plan(plan, options, threads);
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
