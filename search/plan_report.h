// What a plan is, before it runs: its scales, their compute, and how long it may take here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compute/parallel.h"
#include "search/grid.h"

namespace einsearch {

/// Runs that differ in rate and seeds alone.
struct PlanRow {
  const PlannedRun* first = nullptr;
  double flops = 0;  ///< forward FLOPs per example; of sequences, per token
  Count runs = 0;
  double train_flops = 0;   ///< of all of them
  double memory_bytes = 0;  ///< of one on one thread
  double time_s = 0;        ///< of all of them on one thread, as measured here; 0: not measured
  double decades = 0;       ///< of compute that this structure has in common with dense
};

/// In the order of the plan.
std::vector<PlanRow> summarise(const Plan& plan);

/// Measures how fast this machine trains some of the rows' models, for about `seconds` in all, and
/// sets time_s of every row by interpolation in FLOPs per step.
void estimate_times(std::vector<PlanRow>& rows, double seconds);

/// One line per structure that has less than one decade of compute in common with dense, where the
/// plan has dense.
std::vector<std::string> warnings_of(const std::vector<PlanRow>& rows);

}  // namespace einsearch
