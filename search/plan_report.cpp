#include "search/plan_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <tuple>

#include "search/memory.h"
#include "search/task_pool.h"
#include "train/run.h"

namespace einsearch {
namespace {

const std::string kDense = "dense";

/// Training FLOPs of budgets that some scale of a structure can be the best for.
struct Span {
  double low = kInfinity;
  double high = 0;
};

/// One scale of a structure.
struct ScaleCost {
  double dearest = 0;   ///< training FLOPs of its dearest run
  double relative = 0;  ///< its compute-optimal budget up to a factor: examples grow with params
};

/// Of annealed runs, which count where they end: from the cheapest to the dearest. Of curves at a
/// constant rate: from the dearest run of the smallest scale to that of the largest; or, where all
/// scales train for as much, as if that were the best budget for the largest.
std::map<std::string, Span> spans_of(const Plan& plan) {
  std::map<std::string, Span> spans;
  std::map<std::string, std::map<Index, ScaleCost>> curves;  // by structure and width
  for (const PlannedRun& run : plan.runs) {
    const ModelOptions& model = model_options(run.spec.model);
    const std::string name = structure_text(model);
    Span& span = spans[name];
    span.high = std::max(span.high, run.train_flops);
    if (run.spec.schedule.kind != ScheduleKind::constant) {
      span.low = std::min(span.low, run.train_flops);
      continue;
    }
    ScaleCost& scale = curves[name][model.width];
    scale.dearest = std::max(scale.dearest, run.train_flops);
    scale.relative = run.train_flops / static_cast<double>(run.spec.steps * run.spec.batch) *
                     static_cast<double>(run.params);
  }
  for (const auto& [name, scales] : curves) {
    Span& span = spans[name];
    double largest = 0;
    for (const auto& [width, scale] : scales) largest = std::max(largest, scale.relative);
    for (const auto& [width, scale] : scales) span.low = std::min(span.low, scale.dearest);
    if (span.low < span.high / 2) continue;
    for (const auto& [width, scale] : scales)
      span.low = std::min(span.low, span.high * scale.relative / largest);
  }
  return spans;
}

double decades_in_common(const Span& a, const Span& b) {
  const double low = std::max(a.low, b.low), high = std::min(a.high, b.high);
  return high > low ? std::log10(high / low) : 0;
}

/// Seconds of one update on one thread, examples at hand.
double measure_step(const PlanRow& row, double seconds) {
  PlannedRun run = *row.first;
  run.spec.held_out = 2;
  run.spec.steps = std::max<Count>(run.spec.steps, 2);
  run.spec.schedule = {};
  const Plan two{.runs = {run, run}, .train_flops = 0};
  constexpr double kCache = 1e8;
  TaskPool tasks(two, {0, 1}, kCache);
  const auto task = tasks.task(run.spec);
  const Threads alone(1);
  const auto steps_until = [&](const std::function<bool(Count, double)>& is_enough) {
    Count steps = 0;
    const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    RunObserver observer;
    std::chrono::duration<double> elapsed{};
    observer.should_stop = [&] {
      elapsed = std::chrono::steady_clock::now() - start;
      return is_enough(++steps, elapsed.count());
    };
    train<float>(run.spec, *task, alone, observer);
    return std::pair(std::max<Count>(steps, 1), elapsed.count());
  };
  const auto [steps, first_time] =
      steps_until([&](Count, double elapsed) { return elapsed > seconds / 2; });
  const Count limit = steps;
  const auto [again, time] = steps_until([&](Count done, double) { return done >= limit; });
  return time / static_cast<double>(again);
}

}  // namespace

std::vector<PlanRow> summarise(const Plan& plan) {
  std::vector<PlanRow> rows;
  std::map<std::tuple<std::string, Index, Index, Count, Count, ScheduleKind>, std::size_t> index;
  const std::map<std::string, Span> spans = spans_of(plan);
  const auto dense = spans.find(kDense);
  for (const PlannedRun& run : plan.runs) {
    const ModelOptions& model = model_options(run.spec.model);
    const auto [place, is_new] = index.try_emplace({structure_text(model),
                                                    model.depth,
                                                    model.width,
                                                    run.spec.batch,
                                                    run.spec.steps,
                                                    run.spec.schedule.kind},
                                                   rows.size());
    if (is_new) {
      PlanRow& row = rows.emplace_back();
      row.first = &run;
      row.flops = model_flops(run.spec.model);
      row.memory_bytes = training_bytes(run.spec, 1);
      const Span& own = spans.at(structure_text(model));
      row.decades = decades_in_common(own, dense == spans.end() ? own : dense->second);
    }
    PlanRow& row = rows[place->second];
    ++row.runs;
    row.train_flops += run.train_flops;
  }
  return rows;
}

void estimate_times(std::vector<PlanRow>& rows, double seconds) {
  if (rows.empty()) return;
  const auto flops_per_step = [](const PlanRow& row) {
    return row.first->train_flops / static_cast<double>(row.first->spec.steps);
  };
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return flops_per_step(rows[a]) < flops_per_step(rows[b]);
  });
  // What is too dear for a short look is taken to run at the speed of the dearest that is not.
  constexpr double kFlops = 4e9, kBytes = 0x1p27;
  const auto is_too_dear = [&](std::size_t row) {
    return flops_per_step(rows[row]) > kFlops || rows[row].memory_bytes > kBytes;
  };
  const auto cheap_end = std::find_if(order.begin() + 1, order.end(), is_too_dear);
  const auto n_cheap = static_cast<std::size_t>(cheap_end - order.begin());
  constexpr std::size_t kSamples = 5;
  const std::size_t samples = std::min(kSamples, n_cheap);
  std::vector<std::pair<double, double>> measured;  // log FLOPs per step, log seconds per FLOP
  for (std::size_t i = 0; i < samples; ++i) {
    const PlanRow& row = rows[order[samples == 1 ? 0 : i * (n_cheap - 1) / (samples - 1)]];
    const double flops = flops_per_step(row);
    const double time = measure_step(row, seconds / static_cast<double>(samples));
    measured.emplace_back(std::log(flops), std::log(time / flops));
  }
  for (PlanRow& row : rows) {
    const double x = std::log(flops_per_step(row));
    std::size_t after = 1;
    while (after + 1 < measured.size() && measured[after].first < x) ++after;
    double y = measured.front().second;
    if (measured.size() > 1) {
      const auto& [x0, y0] = measured[after - 1];
      const auto& [x1, y1] = measured[after];
      const double share = x1 > x0 ? std::clamp((x - x0) / (x1 - x0), 0.0, 1.0) : 0;
      y = y0 + share * (y1 - y0);
    }
    row.time_s = row.train_flops * std::exp(y);
  }
}

std::vector<std::string> warnings_of(const std::vector<PlanRow>& rows) {
  std::vector<std::string> warnings;
  std::vector<std::string> seen;
  const bool has_dense = std::any_of(rows.begin(), rows.end(), [](const PlanRow& row) {
    return structure_text(model_options(row.first->spec.model)) == kDense;
  });
  for (const PlanRow& row : rows) {
    const std::string structure = structure_text(model_options(row.first->spec.model));
    if (!has_dense || structure == kDense || row.decades >= 1) continue;
    if (std::find(seen.begin(), seen.end(), structure) != seen.end()) continue;
    seen.push_back(structure);
    warnings.push_back(
        fmt::format("{} has {:.2f} decades of compute in common with dense: too little to compare "
                    "laws (--match, or more widths)",
                    structure,
                    row.decades));
  }
  return warnings;
}

}  // namespace einsearch
