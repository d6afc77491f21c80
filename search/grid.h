// A grid of runs, as a user describes it, and the plan that it stands for.
//
//   structures x depths x scales x batches x horizons x learning-rate factors x tasks x seeds
//
// Scales are widths, or the widths at which a structure costs what a reference structure costs at
// given widths. A plan is a function of the grid alone: same grid, same runs in the same order, on
// every machine.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "search/match.h"
#include "train/run_spec.h"

namespace einsearch {

struct Horizon {
  enum class Kind { steps, examples_per_param, flops };
  Kind kind = Kind::steps;
  /// Updates; training examples (sequences: tokens) per parameter; or training FLOPs of a run.
  std::vector<double> values = {1000};
};

struct Match {
  Structure reference;
  std::vector<Index> widths;  ///< of the reference
  MatchBy by = MatchBy::flops;
};

struct GridSeeds {
  std::uint64_t init = 0, data = 0;
};

struct Grid {
  RunSpec base;  ///< what all runs share; its lr is multiplied by the factors
  std::vector<ModelStructure> structures;  ///< at least one
  std::vector<Index> widths;               ///< used unless `match` is set
  std::optional<Match> match;
  std::vector<Index> depths = {3};
  /// Examples per update; empty: the base's. Runs of different batches see equally many examples: a
  /// horizon in steps counts those of the base's batch.
  std::vector<Count> batches;
  Horizon horizon;
  /// Training FLOPs of runs that are cooled down from one constant-rate trunk; replaces the
  /// horizon. Each budget is a run of schedule wsd that costs it in all, and a function of its own
  /// options: that runs share the way before their decay saves work and changes nothing. The trunk
  /// is the part of the longest before its decay.
  std::vector<double> branch_budgets;
  std::vector<double> lr_factors = {1};
  std::vector<TaskSpec> tasks;  ///< one per seed_task; empty: the base's
  std::vector<GridSeeds> seeds = {{}};
  std::string trainer;  ///< command of another program that trains; empty: einsearch itself
  /// Updates of warm-up of a run of so many steps; empty: the base's.
  std::function<Count(Count steps)> warmup = {};
};

struct PlannedRun {
  RunSpec spec;
  std::string id;
  double train_flops = 0;
  Count params = 0;
  std::size_t trunk = 0;  ///< runs of equal number share one constant-rate trunk
};

struct Plan {
  std::vector<PlannedRun> runs;  ///< every identity once
  double train_flops = 0;        ///< that will be spent; branches share their trunk
};

/// Throws Error for an empty grid, a structure without valid sizes, a horizon below one update.
Plan make_plan(const Grid& grid, const Threads& threads);

/// Identity of a run: of einsearch's own, run_id(spec); of others the trainer's command counts too.
std::string run_identity(const RunSpec& spec, const std::string& trainer);

}  // namespace einsearch
