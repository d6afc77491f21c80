// The standard search: a fixed plan, small enough for two minutes on two cores, that shows the
// whole way from the space of structures to a ranking.
//
//   lattice 1/4 -> one structure per family -> widths matched to dense by FLOPs -> runs ->
//   frontiers, laws, ranking
//
// Every structure sees the same target, examples and held-out set. Rates are constant after a short
// warm-up, so that all points of a curve are comparable.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compute/parallel.h"
#include "search/grid.h"
#include "search/representatives.h"
#include "train/curve.h"
#include "train/run_spec.h"

namespace einsearch {

struct StandardPlan {
  Census census;
  std::vector<RunSpec> runs;  ///< structure by structure, ascending widths, seeds innermost
  double train_flops = 0;     ///< of all runs
  std::string protocol;       ///< one line: task, batch, scales, horizon, FLOPs
};

/// The same plan on every machine.
StandardPlan standard_plan();

Plan plan_of(const StandardPlan& standard);

struct SweepProgress {
  Count runs_done = 0;
  Count runs = 0;
  double share = 0;  ///< of the training FLOPs
};

/// Trains all runs of `plan`, which must share task options, batch and held-out set, on `threads`,
/// the dearest first. `on_progress` is called from any thread, one at a time. Curves come in the
/// order of the plan and do not depend on the number of threads.
std::vector<Curve> run_plan(const std::vector<RunSpec>& plan,
                            const Threads& threads,
                            const std::function<void(const SweepProgress&)>& on_progress);

}  // namespace einsearch
