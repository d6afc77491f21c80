#include "search/standard.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <numeric>

#include "search/match.h"
#include "task/cached_task.h"
#include "train/run.h"

namespace einsearch {
namespace {

constexpr int kGrid = 4;
constexpr Index kProbeWidth = 64;

/// Scales are those of dense models; the cheaper a model, the longer it trains, so that
/// neighbouring scales cross.
struct Scale {
  Index dense_width;
  Count steps;
};
constexpr std::array<Scale, 5> kScales = {
    {{12, 12000}, {16, 9000}, {24, 5000}, {32, 3500}, {48, 2000}}};
constexpr Count kBatch = 64;
constexpr Count kSeeds = 2;

RunSpec base_spec() {
  RunSpec spec;
  spec.task = RegressionOptions{.target_width = 128};
  spec.lr = 1e-3;
  spec.batch = kBatch;
  spec.schedule = {.kind = ScheduleKind::constant, .warmup = 40, .steps = 0};
  spec.held_out = 4096;
  spec.records_per_decade = 10;
  spec.first_record = 40;
  return spec;
}

double train_flops(const RunSpec& spec) {
  return 3 * model_flops(spec.model) * static_cast<double>(spec.steps * spec.batch);
}

}  // namespace

Plan plan_of(const StandardPlan& standard) {
  Plan plan;
  plan.train_flops = standard.train_flops;
  for (const RunSpec& run : standard.runs) {
    plan.runs.push_back({.spec = run,
                         .id = run_id(run),
                         .train_flops = train_flops(run),
                         .params = make_model<float>(run.model)->parameters().size(),
                         .trunk = plan.runs.size()});
  }
  return plan;
}

StandardPlan standard_plan() {
  StandardPlan plan;
  const RunSpec base = base_spec();
  const Representatives representatives =
      choose_representatives(kGrid, kProbeWidth, model_options(base.model).resolve);
  plan.census = representatives.census;
  for (const Structure& structure : representatives.structures) {
    RunSpec run = base;
    model_options(run.model).structure = structure;
    WidthMatcher matcher(run.model);
    for (const Scale& scale : kScales) {
      RunSpec dense = base;
      model_options(dense.model).structure = representatives.structures.front();
      model_options(dense.model).width = scale.dense_width;
      model_options(run.model).width = matcher.match(model_flops(dense.model), scale.dense_width);
      run.steps = scale.steps;
      for (Count seed = 0; seed < kSeeds; ++seed) {
        run.seed_init = static_cast<std::uint64_t>(seed);
        set_seeds(run.task, {.data = run.seed_init});
        plan.train_flops += train_flops(run);
        plan.runs.push_back(run);
      }
    }
  }
  const auto& target = std::get<RegressionOptions>(base.task);
  plan.protocol = fmt::format(
      "regression on a random {} x {} network (seed_task {}), batch {}, {} structures at {} scales "
      "matched by FLOPs to dense "
      "of width {} to {}, {} to {} steps at a constant rate, {} seed{}: {} runs, {:.2g} training "
      "FLOPs",
      target.target_depth,
      target.target_width,
      target.seed_task,
      kBatch,
      representatives.structures.size(),
      kScales.size(),
      kScales.front().dense_width,
      kScales.back().dense_width,
      kScales.back().steps,
      kScales.front().steps,
      kSeeds,
      kSeeds == 1 ? "" : "s",
      plan.runs.size(),
      plan.train_flops);
  return plan;
}

std::vector<Curve> run_plan(const std::vector<RunSpec>& plan,
                            const Threads& threads,
                            const std::function<void(const SweepProgress&)>& on_progress) {
  // Runs of equal seeds share their examples; labelling those would otherwise cost as much as the
  // runs.
  std::map<std::uint64_t, Count> examples;
  for (const RunSpec& run : plan) {
    Count& most = examples[seeds(run.task).data];
    most = std::max(most, run.steps * run.batch);
  }
  struct SharedTask {
    std::unique_ptr<Task<float>> source;
    CachedTask<float> cached;
    SharedTask(const TaskSpec& spec, Count training, Count held_out, const Threads& workers)
        : source(make_task<float>(spec)),
          cached(*source, training, held_out, [&](Index size, const auto& body) {
            workers.for_each(size, body);
          }) {}
  };
  std::map<std::uint64_t, SharedTask> tasks;
  for (const RunSpec& run : plan) {
    tasks.try_emplace(
        seeds(run.task).data, run.task, examples[seeds(run.task).data], run.held_out, threads);
  }

  std::vector<double> costs;
  for (const RunSpec& run : plan) costs.push_back(train_flops(run));
  std::vector<std::size_t> order(plan.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return costs[a] > costs[b];
  });

  std::vector<Curve> curves(plan.size());
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  SweepProgress progress{.runs = static_cast<Count>(plan.size())};
  const double total = std::accumulate(costs.begin(), costs.end(), 0.0);
  threads.for_each(threads.count(), [&](Index) {
    const Threads alone(1);
    for (std::size_t turn = next++; turn < plan.size(); turn = next++) {
      const std::size_t index = order[turn];
      const RunSpec& run = plan[index];
      double reported = 0;
      const auto report = [&](double share_of_run, Count finished) {
        const std::lock_guard lock(mutex);
        progress.share += (share_of_run - reported) * costs[index] / total;
        progress.runs_done += finished;
        reported = share_of_run;
        on_progress(progress);
      };
      RunObserver observer;
      observer.on_record = [&](const Curve& curve) {
        report(static_cast<double>(curve.points.back().step) / static_cast<double>(run.steps), 0);
      };
      curves[index] = train<float>(run, tasks.at(seeds(run.task).data).cached, alone, observer);
      report(1, 1);
    }
  });
  return curves;
}

}  // namespace einsearch
