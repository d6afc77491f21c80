// Runs a plan to its end, in parallel, into a store.
//
// Workers take jobs, the dearest first. A job is left to others while another sweep holds its
// claim, and waits while memory is short. When no job is left, the threads without one help those
// that still have one. A run that is in the store is never run again; a run that is stopped leaves
// nothing behind.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compute/parallel.h"
#include "search/shard.h"
#include "search/store.h"

namespace einsearch {

struct ExecuteProgress {
  Count runs_done = 0;  ///< of this plan, before and now
  Count runs = 0;
  Count runs_now = 0;  ///< finished since execute() began
  double share = 0;    ///< of the training FLOPs
  std::string best;    ///< structure of the least final loss so far; empty: none yet
  double best_loss = 0;
};

struct RunContext {
  const Threads& threads;
  /// Asked often; true: end without a result.
  std::function<bool()> should_stop;
  /// Says which part of the run is done.
  std::function<void(double share)> on_progress;
};

/// Gives the curves of the job's runs one by one to `finish`, in any order. Throws Error where a
/// run cannot be; the runs that have not finished then count as failed for that reason.
using FinishRun = std::function<void(const PlannedRun& run, const Curve& curve)>;
using JobRunner = std::function<void(const std::vector<const PlannedRun*>& runs,
                                     const RunContext& context,
                                     const FinishRun& finish)>;

/// The curve of a run that ended without one: a point without a loss, and the reason.
Curve failed_curve(const PlannedRun& run, const std::string& reason);

struct ExecuteOptions {
  int workers = 1;                 ///< runs at a time
  bool workers_only_wait = false;  ///< for other processes: they need threads but no cores
  double memory = 0;               ///< bytes; 0: no limit
  std::function<double(const PlannedRun&)> run_memory = {};  ///< bytes
  std::function<bool()> should_stop = [] { return false; };
  bool retries_failed = false;
  std::function<void(const ExecuteProgress&)> on_progress = [](const ExecuteProgress&) {};
};

struct ExecuteResult {
  Count done = 0;  ///< runs in the store, failed and diverged ones included
  Count ran = 0;   ///< of those, now
  Count diverged = 0;
  Count failed = 0;
  Count left = 0;  ///< not finished: it was told to stop
};

/// Throws SystemError when the store cannot be written; what was finished before is safe.
ExecuteResult execute(const Plan& plan,
                      const std::vector<Job>& jobs,
                      RunStore& store,
                      const Threads& threads,
                      const JobRunner& runner,
                      const ExecuteOptions& options);

}  // namespace einsearch
