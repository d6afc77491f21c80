#include "store_execution.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "arguments.h"
#include "base/error.h"
#include "exit_status.h"
#include "interrupt.h"
#include "progress.h"
#include "search/memory.h"
#include "search/own_trainer.h"
#include "search/plan_report.h"
#include "search/trainer.h"

namespace einsearch {
namespace {

constexpr double kShareOfExamples = 0.25;  // of the memory

std::string progress_text(const ExecuteProgress& state, double elapsed_s) {
  std::string text = fmt::format("{}/{}", state.runs_done, state.runs);
  if (state.runs_now > 0) {
    text += fmt::format(" | {:.3g} runs/min", 60 * static_cast<double>(state.runs_now) / elapsed_s);
  }
  if (!state.best.empty()) text += fmt::format(" | best {} {:.4g}", state.best, state.best_loss);
  return text;
}

/// Fails for a store that runs of other numerics have written to: their bits mean something else.
void check_numerics(const RunStore& store, const StoreExecution& options) {
  for (const auto& [id, run] : store.runs()) {
    if (run.numerics == kNumericsVersion || options.mixes_numerics) continue;
    throw Error("a store of another version",
                {.where = options.store,
                 .expected = fmt::format("runs of numerics version {}", kNumericsVersion),
                 .got = fmt::format("version {}", run.numerics),
                 .hint = "another --store, --fresh, or --mix-numerics"});
  }
}

double memory_for_runs(const StoreExecution& options) {
  constexpr double kShareOfAvailable = 0.8;
  return options.memory.empty() ? kShareOfAvailable * available_bytes()
                                : parse_bytes(options.memory, "--memory");
}

/// Bytes that runs may take together; throws Error when the largest run alone takes more.
double memory_limit(const StoreExecution& options, const Plan& plan) {
  const double limit = memory_for_runs(options);
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

TrainerOptions trainer_options(const StoreExecution& options, const StageTrainer& chosen) {
  TrainerOptions trainer{.command = chosen.command,
                         .folder = std::filesystem::absolute(options.store).string() + "/trainer",
                         .data = chosen.data,
                         .slots = {},
                         .timeout_s = 0};
  if (!options.slots.empty()) trainer.slots = split_list(options.slots);
  if (!options.run_timeout.empty())
    trainer.timeout_s = parse_duration(options.run_timeout, "--run-timeout");
  return trainer;
}

}  // namespace

void check_store_execution(const StoreExecution& options, const std::string& trainer) {
  parse_shard(options.shard);
  if (!trainer.empty()) return;
  if (!options.slots.empty()) throw Error("--slots has no effect", {.expected = "--trainer CMD"});
  if (!options.run_timeout.empty())
    throw Error("--run-timeout has no effect", {.expected = "--trainer CMD"});
}

RunStore open_store(const StoreExecution& options) {
  if (options.store.empty()) {
    throw Error("--store is missing", {.expected = "--store DIR, a folder for the runs"});
  }
  if (options.is_fresh && std::filesystem::exists(options.store + "/einsearch-store"))
    clear_store(options.store);
  RunStore store = RunStore::open_or_create(options.store);
  check_numerics(store, options);
  return store;
}

StoreRunner::StoreRunner(const StoreExecution& options, StageTrainer trainer)
    : options_(options), trainer_(std::move(trainer)) {
  stop_gently_on_signals();
}

void StoreRunner::keep_examples(const std::vector<RunSpec>& longest) {
  if (!trainer_.command.empty()) return;
  kept_ = std::make_unique<TaskPool>(
      Plan{}, std::vector<std::size_t>{}, memory_for_runs(options_) * kShareOfExamples);
  for (const RunSpec& spec : longest) kept_->keep(spec);
}

double StoreRunner::elapsed_s() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

ExecuteResult StoreRunner::run(const Plan& plan,
                               RunStore& store,
                               const Threads& threads,
                               const std::string& stage) {
  const std::vector<Job> jobs = jobs_of_shard(jobs_of(plan), parse_shard(options_.shard));
  const bool is_own = trainer_.command.empty();
  const double memory = is_own ? memory_limit(options_, plan) : 0;
  std::vector<std::size_t> runs;
  for (const Job& job : jobs) {
    for (const std::size_t run : job.runs) {
      if (store.find(plan.runs[run].id) == nullptr) runs.push_back(run);
    }
  }
  TaskPool own_tasks(plan, runs, memory * kShareOfExamples);
  const TrainerOptions other = trainer_options(options_, trainer_);
  const double limit_s =
      options_.time_limit.empty() ? 0 : parse_duration(options_.time_limit, "--time-limit");
  Progress progress(trainer_.title);
  const double start_s = elapsed_s();
  ExecuteOptions execution;
  const auto most_jobs = static_cast<int>(std::clamp<std::size_t>(jobs.size(), 1, 1 << 20));
  execution.workers = std::min(threads.count(), most_jobs);
  if (!other.slots.empty()) execution.workers = static_cast<int>(other.slots.size());
  execution.workers_only_wait = !is_own;
  execution.memory = memory * (1 - kShareOfExamples);
  if (is_own) {
    execution.run_memory = [&](const PlannedRun& run) {
      return training_bytes(run.spec, threads.count());
    };
  }
  execution.retries_failed = options_.retries_failed;
  execution.should_stop = [&] {
    return stop_signal() != 0 || (limit_s > 0 && elapsed_s() > limit_s);
  };
  execution.on_progress = [&](const ExecuteProgress& state) {
    const std::string text = progress_text(state, elapsed_s() - start_s);
    progress.update(state.share, stage.empty() ? text : stage + " | " + text);
  };
  OwnTrainerOptions own{.folder = options_.store + "/checkpoints"};
  if (!options_.checkpoint_every.empty())
    own.seconds_to_checkpoint = parse_duration(options_.checkpoint_every, "--checkpoint-every");
  TaskPool& tasks = kept_ ? *kept_ : own_tasks;
  const JobRunner runner = is_own ? own_trainer(tasks, own) : other_trainer(other);
  const ExecuteResult result = execute(plan, jobs, store, threads, runner, execution);
  progress.clear();
  return result;
}

std::string describe_result(const ExecuteResult& result, const std::string& store) {
  std::string text = fmt::format("{}: {} runs, {} of them now", store, result.done, result.ran);
  if (result.diverged > 0) text += fmt::format(", {} diverged", result.diverged);
  if (result.failed > 0) text += fmt::format(", {} failed", result.failed);
  if (result.left > 0) text += fmt::format(", {} left to do", result.left);
  return text;
}

int status_after(const ExecuteResult& result) {
  if (const int signal = stop_signal(); signal != 0) return 128 + signal;
  return result.left > 0 || result.failed > 0 ? kIncomplete : kDone;
}

void add_store_execution(CLI::App& command, StoreExecution& options) {
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

}  // namespace einsearch
