// einsearch sweep: a grid of runs into a store, whatever happens on the way.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "interrupt.h"
#include "io/columns.h"
#include "log.h"
#include "output.h"
#include "progress.h"
#include "search/execute.h"
#include "search/memory.h"
#include "search/own_trainer.h"
#include "search/plan_report.h"
#include "search/task_pool.h"
#include "search/trainer.h"
#include "structure/family.h"
#include "structure/notation.h"
#include "sweep_arguments.h"
#include "sweep_config.h"
#include "train/run.h"

namespace einsearch {
namespace {

using Clock = std::chrono::steady_clock;

struct SweepOptions {
  SweepArguments grid;
  std::string store, shard = "1/1";
  std::string memory, time_limit, run_timeout, slots, checkpoint_every;
  bool is_dry = false, is_fresh = false, retries_failed = false, mixes_numerics = false;
  Count threads = 0;
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
  const Shard shard = parse_shard(options.shard);
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

std::string progress_text(const ExecuteProgress& state, double elapsed_s) {
  std::string text = fmt::format("{}/{}", state.runs_done, state.runs);
  if (state.runs_now > 0) {
    text += fmt::format(" | {:.3g} runs/min", 60 * static_cast<double>(state.runs_now) / elapsed_s);
  }
  if (!state.best.empty()) text += fmt::format(" | best {} {:.4g}", state.best, state.best_loss);
  return text;
}

/// Fails for a store that runs of other numerics have written to: their bits mean something else.
void check_numerics(const RunStore& store, const SweepOptions& options) {
  for (const auto& [id, run] : store.runs()) {
    if (run.numerics == kNumericsVersion || options.mixes_numerics) continue;
    throw Error("a store of another version",
                {.where = options.store,
                 .expected = fmt::format("runs of numerics version {}", kNumericsVersion),
                 .got = fmt::format("version {}", run.numerics),
                 .hint = "another --store, --fresh, or --mix-numerics"});
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

int report_end(const ExecuteResult& result, const std::string& store) {
  std::string text = fmt::format("{}: {} runs, {} of them now", store, result.done, result.ran);
  if (result.diverged > 0) text += fmt::format(", {} diverged", result.diverged);
  if (result.failed > 0) text += fmt::format(", {} failed", result.failed);
  if (result.left > 0) text += fmt::format(", {} left to do", result.left);
  log_info(text);
  if (const int signal = stop_signal(); signal != 0) return 128 + signal;
  return result.left > 0 || result.failed > 0 ? kIncomplete : kDone;
}

/// Bytes that runs may take together; throws Error when the largest run alone takes more.
double memory_limit(const SweepOptions& options, const Plan& plan) {
  constexpr double kShareOfAvailable = 0.8;
  const double limit = options.memory.empty() ? kShareOfAvailable * available_bytes()
                                              : parse_bytes(options.memory, "--memory");
  for (const PlanRow& row : summarise(plan)) {
    if (row.memory_bytes <= limit) continue;
    const ModelOptions& model = model_options(row.first->spec.model);
    throw Error("a run needs more memory than there is",
                {.where = fmt::format("{} at width {}", structure_text(model), model.width),
                 .expected = fmt::format("at most {:.0f} MiB", limit / 0x1p20),
                 .got = fmt::format("{:.0f} MiB", row.memory_bytes / 0x1p20),
                 .hint = "--memory, or smaller widths"});
  }
  return limit;
}

TrainerOptions trainer_options(const SweepOptions& options) {
  TrainerOptions trainer{.command = options.grid.trainer,
                         .folder = std::filesystem::absolute(options.store).string() + "/trainer",
                         .data = options.grid.run.task.data,
                         .slots = {},
                         .timeout_s = 0};
  if (!options.slots.empty()) trainer.slots = split_list(options.slots);
  if (!options.run_timeout.empty())
    trainer.timeout_s = parse_duration(options.run_timeout, "--run-timeout");
  return trainer;
}

void check_trainer_options(const SweepOptions& options) {
  if (!options.grid.trainer.empty()) return;
  if (!options.slots.empty()) throw Error("--slots has no effect", {.expected = "--trainer CMD"});
  if (!options.run_timeout.empty())
    throw Error("--run-timeout has no effect", {.expected = "--trainer CMD"});
}

int run_plan(const SweepOptions& options,
             const Plan& plan,
             RunStore& store,
             const Threads& threads) {
  const std::vector<Job> jobs = jobs_of_shard(jobs_of(plan), parse_shard(options.shard));
  const bool is_own = options.grid.trainer.empty();
  const double memory = is_own ? memory_limit(options, plan) : 0;
  constexpr double kShareOfExamples = 0.25;
  std::vector<std::size_t> runs;
  for (const Job& job : jobs) {
    for (const std::size_t run : job.runs) {
      if (store.find(plan.runs[run].id) == nullptr) runs.push_back(run);
    }
  }
  TaskPool tasks(plan, runs, memory * kShareOfExamples);
  const TrainerOptions trainer = trainer_options(options);
  const double limit_s =
      options.time_limit.empty() ? 0 : parse_duration(options.time_limit, "--time-limit");
  stop_gently_on_signals();
  Progress progress("sweep");
  const Clock::time_point start = Clock::now();
  const auto elapsed_s = [start] {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  ExecuteOptions execution;
  const auto most_jobs = static_cast<int>(std::clamp<std::size_t>(jobs.size(), 1, 1 << 20));
  execution.workers = std::min(threads.count(), most_jobs);
  if (!trainer.slots.empty()) execution.workers = static_cast<int>(trainer.slots.size());
  execution.workers_only_wait = !is_own;
  execution.memory = memory * (1 - kShareOfExamples);
  if (is_own) {
    execution.run_memory = [&](const PlannedRun& run) {
      return training_bytes(run.spec, threads.count());
    };
  }
  execution.retries_failed = options.retries_failed;
  execution.should_stop = [&] {
    return stop_signal() != 0 || (limit_s > 0 && elapsed_s() > limit_s);
  };
  execution.on_progress = [&](const ExecuteProgress& state) {
    progress.update(state.share, progress_text(state, elapsed_s()));
  };
  OwnTrainerOptions own{.folder = options.store + "/checkpoints"};
  if (!options.checkpoint_every.empty())
    own.seconds_to_checkpoint = parse_duration(options.checkpoint_every, "--checkpoint-every");
  const JobRunner runner = is_own ? own_trainer(tasks, own) : other_trainer(trainer);
  const ExecuteResult result = execute(plan, jobs, store, threads, runner, execution);
  progress.clear();
  return report_end(result, options.store);
}

int sweep(CLI::App& command, SweepOptions& options) {
  check_trainer_options(options);
  parse_shard(options.shard);
  const int count = options.threads > 0 ? static_cast<int>(options.threads) : available_threads();
  const Threads threads(count);
  const std::vector<ModelStructure> structures = read_structures(options.grid.structures);
  const Plan plan = make_plan(grid_of(options.grid, structures), threads);
  if (options.is_dry) {
    print_plan(plan, options, threads);
    return kDone;
  }
  if (options.store.empty()) {
    throw Error("--store is missing", {.expected = "--store DIR, a folder for the runs"});
  }
  if (options.is_fresh && std::filesystem::exists(options.store + "/einsearch-store"))
    clear_store(options.store);
  RunStore store = RunStore::open_or_create(options.store);
  check_numerics(store, options);
  store.add_sweep(effective_config(command, structures));
  report_beginning(store, plan);
  return run_plan(options, plan, store, threads);
}

void add_execution_options(CLI::App& command, SweepOptions& options) {
  const std::string group = "Execution";
  const auto text =
      [&](const char* name, std::string& value, const char* meaning, const char* type) {
        command.add_option(name, value, meaning)->type_name(type)->group(group);
      };
  text("--store",
       options.store,
       "folder that keeps finished runs; the same command again goes on where it ended",
       "DIR");
  text("--shard", options.shard, "part I of N of the plan (1/1)", "I/N");
  command.add_flag("--dry-run", options.is_dry, "print the plan instead")->group(group);
  command.add_flag("--fresh", options.is_fresh, "delete the store's runs first")->group(group);
  command.add_flag("--retry-failed", options.retries_failed, "run failed runs again")->group(group);
  command
      .add_flag("--mix-numerics",
                options.mixes_numerics,
                "go on in a store whose runs an einsearch with other bits has made")
      ->group(group);
  add_count(command,
            "--threads",
            options.threads,
            "threads (all cores that this process may use)",
            {1, 4096})
      ->group(group);
  text("--memory", options.memory, "for all runs together (80 % of what is available)", "SIZE");
  text("--time-limit", options.time_limit, "stop after this time, such as 55m; status 3", "TIME");
  text("--checkpoint-every",
       options.checkpoint_every,
       "time between checkpoints of a long run (60s)",
       "TIME");
  text("--slots", options.slots, "with --trainer: one run at a time in each, such as 0,1", "LIST");
  text("--run-timeout", options.run_timeout, "with --trainer: longest time of a run", "TIME");
}

}  // namespace

void add_sweep(CLI::App& app, Program& program) {
  static SweepOptions options;
  CLI::App* command = app.add_subcommand("sweep", "Train a grid of models into a store");
  add_grid_options(*command, options.grid);
  add_model_options(*command, options.grid.run);
  add_task_options(*command, options.grid.run.task);
  add_training_options(*command, options.grid.run);
  add_execution_options(*command, options);
  add_output_options(*command, options.output);
  command->callback(
      [&program, command] { program.run = [command] { return sweep(*command, options); }; });
}

}  // namespace einsearch
