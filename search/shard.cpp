#include "search/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <queue>

#include "base/error.h"

namespace einsearch {
namespace {

/// The shard, from 0, of every job.
std::vector<Count> assignment(const std::vector<Job>& jobs, Count shards) {
  using Load = std::pair<double, Count>;  // equal loads: the first shard
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (Count shard = 0; shard < shards; ++shard) loads.push({0, shard});
  std::vector<Count> places;
  for (const Job& job : jobs) {
    const auto [load, shard] = loads.top();
    loads.pop();
    loads.push({load + job.cost, shard});
    places.push_back(shard);
  }
  return places;
}

/// Training FLOPs of a run before its rate begins to fall.
double trunk_flops(const PlannedRun& run) {
  if (run.spec.schedule.kind != ScheduleKind::wsd) return 0;
  const Count steps = std::min(run.spec.steps, run.spec.schedule.decay_start());
  return run.train_flops * static_cast<double>(steps) / static_cast<double>(run.spec.steps);
}

}  // namespace

Shard parse_shard(std::string_view text) {
  Shard shard;
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto read = [](std::string_view digits, Count& value) {
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && stop == digits.data() + digits.size();
  };
  const bool is_read = slash < text.size() && read(text.substr(0, slash), shard.index) &&
                       read(text.substr(slash + 1), shard.count);
  constexpr Count kMost = 1'000'000;
  if (!is_read || shard.index < 1 || shard.index > shard.count || shard.count > kMost) {
    throw Error("bad shard",
                {.where = "--shard",
                 .expected = "I/N with 1 <= I <= N, such as 1/4",
                 .got = fmt::format("\"{}\"", text)});
  }
  return shard;
}

std::vector<Job> jobs_of(const Plan& plan) {
  std::vector<Job> jobs;
  for (std::size_t first = 0; first < plan.runs.size();) {
    Job job;
    double way = 0;  // FLOPs of the trunk so far
    std::size_t i = first;
    for (; i < plan.runs.size() && plan.runs[i].trunk == plan.runs[first].trunk; ++i) {
      const double on_trunk = trunk_flops(plan.runs[i]);
      job.runs.push_back(i);
      job.cost += plan.runs[i].train_flops - std::min(way, on_trunk);
      way = std::max(way, on_trunk);
    }
    jobs.push_back(std::move(job));
    first = i;
  }
  std::stable_sort(
      jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.cost > b.cost; });
  return jobs;
}

std::vector<Job> jobs_of_shard(const std::vector<Job>& jobs, const Shard& shard) {
  const std::vector<Count> places = assignment(jobs, shard.count);
  std::vector<Job> mine;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (places[i] == shard.index - 1) mine.push_back(jobs[i]);
  }
  return mine;
}

double imbalance(const std::vector<Job>& jobs, Count shards) {
  const std::vector<Count> places = assignment(jobs, shards);
  std::vector<double> loads(static_cast<std::size_t>(shards));
  double total = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    loads[static_cast<std::size_t>(places[i])] += jobs[i].cost;
    total += jobs[i].cost;
  }
  return total > 0
             ? *std::max_element(loads.begin(), loads.end()) * static_cast<double>(shards) / total
             : 1;
}

}  // namespace einsearch
