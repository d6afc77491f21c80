// Everything that a run is: equal specifications give equal bytes.
#pragma once

#include <string>

#include "nn/model_spec.h"
#include "task/task_spec.h"
#include "train/schedule.h"
#include "train/training_state.h"

namespace einsearch {

/// Raised whenever a change of the code changes the bits of a result.
inline constexpr int kNumericsVersion = 4;

struct RunSpec {
  ModelSpec model;  ///< its inputs are the task's
  TaskSpec task;    ///< with seed_task and seed_data
  OptimizerOptions optimizer;
  Schedule schedule;  ///< its steps may exceed the run's
  double lr = 1e-3;
  Count batch = 512;
  Count steps = 1000;
  std::uint64_t seed_init = 0;
  Count held_out = 16384;        ///< held-out examples
  Count records_per_decade = 8;  ///< recorded steps are spaced evenly in their logarithm
  Count first_record = 1;        ///< first recorded step after step 0
};

/// Every option that changes the result, as text; and its digest, the column `run`.
std::string canonical_text(const RunSpec& spec);
std::string run_id(const RunSpec& spec);

/// Throws Error for options that contradict each other (a schedule shorter than the run, a warm-up
/// that fills it).
void validate(const RunSpec& spec);

}  // namespace einsearch
