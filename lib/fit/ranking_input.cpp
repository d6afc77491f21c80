#include "fit/ranking_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"

namespace einsearch {
namespace {

bool is_same_run(const Curve& a, const Curve& b) {
  if (a.points.size() != b.points.size()) return false;
  for (std::size_t i = 0; i < a.points.size(); ++i) {
    const CurvePoint& p = a.points[i];
    const CurvePoint& q = b.points[i];
    const bool is_same = p.step == q.step && p.train_flops == q.train_flops && p.loss == q.loss;
    if (!is_same) return false;
  }
  return true;
}

using Seeds = std::tuple<Count, Count, Count>;

Seeds seeds_of(const Curve& run) { return {run.seed_init, run.seed_data, run.seed_task}; }

/// Where a run stands among those of its structure; names come last, so that a run's place does not
/// depend on what a copy of it is called.
bool stands_before(const Curve* a, const Curve* b) {
  const auto key = [](const Curve& run) {
    const CurvePoint& last = run.points.back();
    // A diverged run may end in nan, which has no place in an order.
    const double loss = std::isnan(last.loss) ? -1 : last.loss;
    return std::tuple(run.width, seeds_of(run), last.train_flops, loss, run.points.size());
  };
  if (a->structure != b->structure) return a->structure < b->structure;
  const auto of_a = key(*a), of_b = key(*b);
  return of_a != of_b ? of_a < of_b : a->run < b->run;
}

/// The end of the longest sound run of the largest width that has one.
double last_compute_of(const StructureFit& group) {
  Index largest = -1;
  double last = 0;
  for (std::size_t r = 0; r < group.runs.size(); ++r) {
    const RunPlace& run = group.places[r];
    if (!run.is_sound || run.place < largest) continue;
    const double compute = group.runs[r]->points.back().train_flops;
    last = run.place > largest ? compute : std::max(last, compute);
    largest = run.place;
  }
  return last;
}

/// Numbers the widths of each structure and the seeds of all.
void place_runs(std::vector<StructureFit>& groups) {
  std::map<Seeds, Index> seeds;
  for (const StructureFit& group : groups) {
    for (const Curve* run : group.runs) seeds.try_emplace(seeds_of(*run), 0);
  }
  Index next = 0;
  for (auto& [key, number] : seeds) number = next++;
  for (StructureFit& group : groups) {
    std::set<Count> widths;
    for (const Curve* run : group.runs) widths.insert(run->width);
    group.n_places = static_cast<Index>(widths.size());
    for (const Curve* run : group.runs) {
      const Index place = std::distance(widths.begin(), widths.find(run->width));
      group.places.push_back({place, seeds.at(seeds_of(*run)), is_sound(*run)});
    }
    group.last_compute = last_compute_of(group);
  }
}

}  // namespace

void require_one_task(std::span<const Curve> curves) {
  std::set<std::string> tasks;
  for (const Curve& curve : curves) {
    if (!curve.task.empty()) tasks.insert(curve.task);
  }
  if (tasks.size() > 1) {
    throw Error("several tasks in one fit",
                {.expected = "one",
                 .got = fmt::format("{}", fmt::join(tasks, ", ")),
                 .hint = "losses of different tasks do not compare; fit each apart"});
  }
}

std::vector<StructureFit> group_runs(std::span<const Curve> curves,
                                     std::vector<std::string>& warnings) {
  std::vector<const Curve*> sorted;
  for (const Curve& curve : curves) {
    if (!curve.points.empty()) sorted.push_back(&curve);
  }
  std::stable_sort(sorted.begin(), sorted.end(), stands_before);
  std::vector<StructureFit> groups;
  Count copies = 0;
  for (const Curve* curve : sorted) {
    if (groups.empty() || groups.back().structure != curve->structure) {
      groups.emplace_back().structure = curve->structure;
    }
    Runs& runs = groups.back().runs;
    const bool is_copy = !runs.empty() && runs.back()->width == curve->width &&
                         seeds_of(*runs.back()) == seeds_of(*curve) &&
                         is_same_run(*runs.back(), *curve);
    is_copy ? void(++copies) : runs.push_back(curve);
  }
  if (copies > 0) {
    warnings.push_back(fmt::format("{} runs are exact copies of others and count once", copies));
  }
  place_runs(groups);
  return groups;
}

Count count_targets(std::span<const Curve> curves) {
  std::set<Count> targets;
  for (const Curve& curve : curves) targets.insert(curve.seed_task);
  return static_cast<Count>(targets.size());
}

}  // namespace einsearch
