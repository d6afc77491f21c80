// Runs trained by another program: einsearch plans, starts it once per run, and stores what it
// prints.
//
// The command gets one argument, the path of a JSON file that says everything about the run
// (run_json), and prints curve rows as CSV: step, examples, train_flops, loss, and if it likes
// train_loss, lr, time_s. Its exit status: 0 done; 75 try again (at most three times in all);
// anything else failed, with the last line of its stderr as the reason. In its environment:
// EINSEARCH_RUN_DIR, a folder of the run that outlives retries and restarts; EINSEARCH_SLOT and
// CUDA_VISIBLE_DEVICES, the slot it has to itself. A request to stop is passed on as SIGTERM; a
// killed sweep takes its trainers with it.
#pragma once

#include <string>
#include <vector>

#include "search/execute.h"

namespace einsearch {

struct TrainerOptions {
  std::string command;             ///< for sh
  std::string folder;              ///< of the run folders
  std::string data;                ///< path of the data, as the trainer finds it; may be empty
  std::vector<std::string> slots;  ///< one run at a time in each; empty: no slots
  double timeout_s = 0;            ///< of one attempt; 0: none
};

/// Everything that a run is, as JSON.
std::string run_json(const PlannedRun& run, const std::string& data);

/// For execute(), with ExecuteOptions::workers_only_wait.
JobRunner other_trainer(const TrainerOptions& options);

}  // namespace einsearch
