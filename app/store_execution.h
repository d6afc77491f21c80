// Training the runs of a plan into a store, as the options of `sweep` and `search` say: which part,
// on how many threads, in how much memory and time, by which trainer.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "search/execute.h"
#include "search/task_pool.h"

namespace einsearch {

struct StoreExecution {
  std::string store, shard = "1/1";
  std::string memory, time_limit, run_timeout, slots, checkpoint_every;
  bool is_fresh = false, retries_failed = false, mixes_numerics = false;
  Count threads = 0;

  int thread_count() const { return threads > 0 ? static_cast<int>(threads) : available_threads(); }
};

/// Declares them on a command; `options` must stay where it is.
void add_store_execution(CLI::App& command, StoreExecution& options);

/// Throws Error for an option that has no effect without another trainer, and for a bad shard.
void check_store_execution(const StoreExecution& options, const std::string& trainer);

/// Opens the store of --store, emptied first where --fresh says so. Throws Error where there is
/// none, or one of other numerics.
RunStore open_store(const StoreExecution& options);

/// Who trains, and on what.
struct StageTrainer {
  std::string command;  ///< of --trainer; empty: einsearch itself
  std::string data;     ///< path of the data, for another trainer
  std::string title;    ///< of the progress line
};

/// Runs plans one after the other; the time limit counts from its construction.
class StoreRunner {
 public:
  StoreRunner(const StoreExecution& options, StageTrainer trainer);

  /// This shard's part of a plan; `stage` is shown beside the progress.
  ExecuteResult run(const Plan& plan,
                    RunStore& store,
                    const Threads& threads,
                    const std::string& stage = "");

  /// The examples of these runs' tasks are kept from one plan to the next.
  void keep_examples(const std::vector<RunSpec>& longest);

 private:
  using Clock = std::chrono::steady_clock;

  double elapsed_s() const;

  const StoreExecution& options_;
  StageTrainer trainer_;
  Clock::time_point start_ = Clock::now();
  std::unique_ptr<TaskPool> kept_;
};

/// The exit status after some runs: 128 + signal, kIncomplete, or kDone.
int status_after(const ExecuteResult& result);

/// "store: 12 runs, 3 of them now, 1 diverged".
std::string describe_result(const ExecuteResult& result, const std::string& store);

}  // namespace einsearch
