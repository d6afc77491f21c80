#include "search/halving.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"
#include "search/halving_walk.h"

namespace einsearch {
namespace {

constexpr Count kFewFinalists = 3;

}  // namespace

Count few_finalists(const HalvingOptions& options) {
  return options.finalists > 0 ? options.finalists : kFewFinalists;
}

double mean_flops(const std::vector<SearchCandidate>& candidates, std::size_t scale) {
  double sum = 0;
  for (const SearchCandidate& candidate : candidates) sum += candidate.flops[scale];
  return sum / static_cast<double>(candidates.size());
}

double confirmation_flops(const std::vector<SearchCandidate>& candidates,
                          const HalvingOptions& options,
                          Count finalists) {
  const std::size_t last = candidates.front().flops.size() - 1;
  return static_cast<double>((finalists + 1) * options.confirmation_seeds) *
         (mean_flops(candidates, last - 1) + mean_flops(candidates, last));
}

const std::vector<std::string>& strategy_names() {
  static const std::vector<std::string> names = {
      "halving", "exhaustive", "last-loss", "random", "surrogate"};
  return names;
}

Strategy parse_strategy(const std::string& name) {
  const auto& names = strategy_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("unknown strategy",
                {.where = "--strategy",
                 .expected = "halving, exhaustive, last-loss, random or surrogate",
                 .got = "\"" + name + "\"",
                 .hint = did_you_mean(name, names)});
  }
  return static_cast<Strategy>(found - names.begin());
}

std::vector<Count> rung_sizes(Count n, std::size_t scales, const HalvingOptions& options) {
  std::vector<Count> sizes;
  double going_on = static_cast<double>(n);
  for (std::size_t scale = 0; scale < scales; ++scale) {
    if (scale >= kFirstScales && options.strategy != Strategy::exhaustive) going_on /= 3;
    const auto size = static_cast<Count>(std::ceil(going_on - 1e-9));
    sizes.push_back(std::min(n, std::max(size, few_finalists(options))));
  }
  return sizes;
}

std::vector<StageCost> stage_costs(const SearchProblem& problem, const HalvingOptions& options) {
  const auto n = static_cast<Count>(problem.candidates.size()) - 1;
  const std::vector<Count> sizes = rung_sizes(n, problem.scales(), options);
  std::vector<StageCost> stages;
  for (std::size_t scale = 0; scale < problem.scales(); ++scale) {
    const Count structures = sizes[scale] + 1;
    Count runs = structures * options.seeds;
    // One more round of rates for everybody, and the cheapest scale again at another rate.
    if (scale == 1 && options.tunes_rate) runs *= 4;
    if (scale == 0 && options.tunes_rate) runs *= 2;
    stages.push_back({scale,
                      structures,
                      runs,
                      static_cast<double>(runs) * mean_flops(problem.candidates, scale)});
  }
  const Count confirmed = std::min(n, few_finalists(options));
  stages.push_back({{},
                    confirmed + 1,
                    2 * (confirmed + 1) * options.confirmation_seeds,
                    confirmation_flops(problem.candidates, options, confirmed)});
  return stages;
}

NeededFlops needed_flops(const SearchProblem& problem, const HalvingOptions& options) {
  NeededFlops needed;
  for (const StageCost& stage : stage_costs(problem, options)) {
    needed.all += stage.flops;
    if (stage.scale && *stage.scale < kFirstScales) needed.first_rung += stage.flops;
  }
  return needed;
}

Halving::Halving(SearchProblem problem, const HalvingOptions& options)
    : problem_(std::move(problem)), options_(options) {
  if (problem_.scales() < kFirstScales) {
    throw Error("too few scales",
                {.expected = fmt::format("at least {}", kFirstScales),
                 .got = std::to_string(problem_.scales())});
  }
  const std::vector<double>& dense = problem_.candidates.front().flops;
  if (options_.target <= 0) options_.target = dense.back();
  if (options_.target < dense.front()) {
    throw Error("a target below the data",
                {.where = "--target-compute",
                 .expected = fmt::format("at least {:.3g} training FLOPs, the cheapest scale",
                                         dense.front()),
                 .got = fmt::format("{:.3g}", options_.target)});
  }
  const NeededFlops needed = needed_flops(problem_, options_);
  if (options_.budget < needed.all)
    refuse_budget(options_.budget, needed, problem_.candidates.size() - 1);
}

void refuse_budget(double budget, const NeededFlops& needed, std::size_t structures) {
  throw Error("too small a budget",
              {.where = "--budget",
               .expected = fmt::format("at least {:.3g} training FLOPs ({:.3g} for the first rung "
                                       "alone) for {} structures beside dense",
                                       needed.all,
                                       needed.first_rung,
                                       structures),
               .got = fmt::format("{:.3g}", budget),
               .hint = "fewer structures (--design taxonomy:K), or smaller scales (--match, "
                       "--horizon)"});
}

HalvingState Halving::next(const TrialResults& results) {
  return HalvingWalk(*this, results).run();
}

}  // namespace einsearch
