#include "search/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "base/digest.h"
#include "base/error.h"
#include "structure/taxonomy.h"

namespace einsearch {
namespace {

/// One model of the grid, without what training adds.
struct Scale {
  RunSpec spec;
  double flops_per_step = 0;  ///< training FLOPs of one update
  Count params = 0;
  Index tokens = 1;  ///< per example
};

std::vector<Scale> scales_of(const Grid& grid, const Threads& threads) {
  const std::vector<Index>& widths = grid.match ? grid.match->widths : grid.widths;
  const std::vector<Count> batches =
      grid.batches.empty() ? std::vector<Count>{grid.base.batch} : grid.batches;
  std::vector<Scale> scales;
  for (const ModelStructure& structure : grid.structures) {
    for (const Index depth : grid.depths) {
      for (const Index width : widths) {
        for (const Count batch : batches) {
          Scale scale{.spec = grid.base};
          scale.spec.batch = batch;
          ModelOptions& model = model_options(scale.spec.model);
          model.structure = structure.structure;
          model.mixture = structure.mixture;
          model.depth = depth;
          model.width = width;
          scales.push_back(std::move(scale));
        }
      }
    }
  }
  // Scales of one structure and depth stand together and share a matcher. The cheaper a structure,
  // the wider it gets and the longer it takes: those come first, so that threads end together.
  const auto group = static_cast<Index>(widths.size() * batches.size());
  std::vector<Index> firsts;
  for (Index i = 0; i < static_cast<Index>(scales.size()); i += group) firsts.push_back(i);
  const auto nu = [&](Index i) {
    return taxonomy(model_options(scales[static_cast<std::size_t>(i)].spec.model).structure.theta)
        .nu;
  };
  std::stable_sort(firsts.begin(), firsts.end(), [&](Index a, Index b) { return nu(a) < nu(b); });
  threads.for_each(static_cast<Index>(firsts.size()), [&](Index i) {
    const auto first = scales.begin() + firsts[static_cast<std::size_t>(i)];
    std::optional<WidthMatcher> matcher;
    if (grid.match) matcher.emplace(first->spec.model, grid.match->by);
    std::for_each(first, first + group, [&](Scale& scale) {
      ModelOptions& model = model_options(scale.spec.model);
      if (grid.match && (model.mixture || !(model.structure == grid.match->reference))) {
        ModelSpec reference = scale.spec.model;
        model_options(reference).structure = grid.match->reference;
        model_options(reference).mixture.reset();
        model.width = matcher->match(model_cost(reference, grid.match->by), model.width);
      }
      const auto made = make_model<float>(scale.spec.model);
      scale.params = made->parameters().size();
      scale.tokens = made->tokens_per_example();
      scale.flops_per_step = 3 * made->flops_per_example() * static_cast<double>(scale.spec.batch);
    });
  });
  return scales;
}

/// Updates after which a run has reached `value` of the horizon; steps count at `base_batch`.
Count steps_of(const Scale& scale, Horizon::Kind kind, double value, Count base_batch) {
  double steps = value * static_cast<double>(base_batch) / static_cast<double>(scale.spec.batch);
  if (kind == Horizon::Kind::flops) steps = value / scale.flops_per_step;
  if (kind == Horizon::Kind::examples_per_param) {
    steps = value * static_cast<double>(scale.params) /
            static_cast<double>(scale.spec.batch * scale.tokens);
  }
  constexpr double kMost = 0x1p40;
  if (!(steps >= 0.5) || steps > kMost) {
    const ModelOptions& model = model_options(scale.spec.model);
    throw Error(
        "a horizon that is no training",
        {.where = fmt::format("{} at width {}", structure_text(model), model.width),
         .expected = "1 to 1e12 updates",
         .got = fmt::format("{:.3g} updates, of {:.3g} FLOPs each", steps, scale.flops_per_step)});
  }
  return std::llround(steps);
}

/// The runs of one scale that differ in length alone.
std::vector<RunSpec> lengths_of(const Grid& grid, const Scale& scale) {
  std::vector<RunSpec> runs;
  const auto add = [&](Count steps, Count steps_of_warmup, ScheduleKind kind) {
    RunSpec run = scale.spec;
    run.steps = steps;
    run.schedule.kind = kind;
    run.schedule.steps = kind == ScheduleKind::constant ? 0 : steps;
    if (grid.warmup) run.schedule.warmup = grid.warmup(steps_of_warmup);
    validate(run);
    runs.push_back(std::move(run));
  };
  if (grid.branch_budgets.empty()) {
    for (const double value : grid.horizon.values) {
      const Count steps = steps_of(scale, grid.horizon.kind, value, grid.base.batch);
      add(steps, steps, grid.base.schedule.kind);
    }
    return runs;
  }
  std::vector<Count> lengths;
  for (const double budget : grid.branch_budgets)
    lengths.push_back(steps_of(scale, Horizon::Kind::flops, budget, grid.base.batch));
  std::sort(lengths.begin(), lengths.end());
  for (const Count steps : lengths) add(steps, lengths.front(), ScheduleKind::wsd);
  return runs;
}

void check(const Grid& grid) {
  const bool has_scales = grid.match ? !grid.match->widths.empty() : !grid.widths.empty();
  const bool has_lengths = !grid.branch_budgets.empty() || !grid.horizon.values.empty();
  if (grid.structures.empty()) throw Error("an empty grid", {.got = "no structures"});
  if (!has_scales) throw Error("an empty grid", {.got = "no widths"});
  if (grid.depths.empty()) throw Error("an empty grid", {.got = "no depths"});
  if (!has_lengths) throw Error("an empty grid", {.got = "no horizon"});
  if (grid.lr_factors.empty()) throw Error("an empty grid", {.got = "no learning-rate factors"});
  if (grid.seeds.empty()) throw Error("an empty grid", {.got = "no seeds"});
}

}  // namespace

std::string run_identity(const RunSpec& spec, const std::string& trainer) {
  if (trainer.empty()) return run_id(spec);
  return digest(canonical_text(spec) + " trainer=" + trainer);
}

Plan make_plan(const Grid& grid, const Threads& threads) {
  check(grid);
  Plan plan;
  std::unordered_set<std::string> known;
  const std::vector<TaskSpec> tasks =
      grid.tasks.empty() ? std::vector<TaskSpec>{grid.base.task} : grid.tasks;
  std::size_t trunk = 0;
  for (const Scale& scale : scales_of(grid, threads)) {
    const std::vector<RunSpec> lengths = lengths_of(grid, scale);
    for (const double factor : grid.lr_factors) {
      for (const TaskSpec& task : tasks) {
        for (const GridSeeds& seed : grid.seeds) {
          for (const RunSpec& length : lengths) {
            PlannedRun run{.spec = length,
                           .id = {},
                           .train_flops = scale.flops_per_step * static_cast<double>(length.steps),
                           .params = scale.params,
                           .trunk = trunk};
            run.spec.lr *= factor;
            run.spec.seed_init = seed.init;
            run.spec.task = task;
            set_seeds(run.spec.task, {.task = seeds(task).task, .data = seed.data});
            run.id = run_identity(run.spec, grid.trainer);
            if (grid.branch_budgets.empty()) ++trunk;
            if (!known.insert(run.id).second) continue;
            plan.train_flops += run.train_flops;
            plan.runs.push_back(std::move(run));
          }
          if (!grid.branch_budgets.empty()) ++trunk;
        }
      }
    }
  }
  return plan;
}

}  // namespace einsearch
