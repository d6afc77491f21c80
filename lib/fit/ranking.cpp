#include "fit/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/suggest.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr double kRangeSlack = 1 + 1e-9;
constexpr const char* kDefaultBaseline = "dense";

/// A structure while it is being fitted.
struct Group {
  std::string structure = {};
  Runs runs = {};
  TrackSet tracks = {};
  Frontier frontier = {};
  PowerLaw law = {};
  std::vector<PowerLaw> replicates = {};  // without one run each; empty: no interval
};

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

bool is_same_run(const Curve& a, const Curve& b) {
  const auto points_match = [&] {
    if (a.points.size() != b.points.size()) return false;
    for (std::size_t i = 0; i < a.points.size(); ++i) {
      const CurvePoint& p = a.points[i];
      const CurvePoint& q = b.points[i];
      const bool is_same = p.step == q.step && p.train_flops == q.train_flops && p.loss == q.loss;
      if (!is_same) return false;
    }
    return true;
  };
  return a.width == b.width && a.seed_init == b.seed_init && a.seed_data == b.seed_data &&
         points_match();
}

/// Runs by structure, in an order that does not depend on the input's; copies of a run once.
std::vector<Group> group_runs(std::span<const Curve> curves, std::vector<std::string>& warnings) {
  std::vector<const Curve*> sorted;
  for (const Curve& curve : curves) {
    if (!curve.points.empty()) sorted.push_back(&curve);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Curve* a, const Curve* b) {
    return std::tie(a->structure, a->width, a->run) < std::tie(b->structure, b->width, b->run);
  });
  std::vector<Group> groups;
  Count copies = 0;
  for (const Curve* curve : sorted) {
    if (groups.empty() || groups.back().structure != curve->structure) {
      groups.push_back({.structure = curve->structure});
    }
    Runs& runs = groups.back().runs;
    const bool is_copy = std::any_of(
        runs.begin(), runs.end(), [curve](const Curve* run) { return is_same_run(*run, *curve); });
    is_copy ? void(++copies) : runs.push_back(curve);
  }
  if (copies > 0) {
    warnings.push_back(fmt::format("{} runs are exact copies of others and count once", copies));
  }
  return groups;
}

Frontier build_frontier(const Group& group, const RankingOptions& options, Index without) {
  if (options.method == FrontierMethod::envelope) return envelope(group.tracks, without);
  return hull_frontier(group.runs, options.points, options.hull, options.offset, without);
}

/// Laws without one run each. Nothing when without some run fewer than three widths are left: its
/// envelope would not be trimmed, another thing than the one whose error is wanted.
std::vector<PowerLaw> replicate(const Group& group, const RankingOptions& options) {
  std::vector<PowerLaw> laws;
  if (group.law.status != FitStatus::converged) return laws;
  for (std::size_t i = 0; i < group.runs.size(); ++i) {
    if (!is_sound(*group.runs[i])) continue;
    const Frontier frontier = build_frontier(group, options, static_cast<Index>(i));
    laws.push_back(fit_power_law(frontier, options.offset));
    if (laws.back().status != FitStatus::converged) return {};
  }
  return laws;
}

void fit_group(Group& group, const RankingOptions& options) {
  group.tracks = select_points(group.runs, options.points, options.offset);
  group.frontier = build_frontier(group, options, kNoRun);
  group.law = fit_power_law(group.frontier, options.offset);
  group.replicates = replicate(group, options);
}

/// Jackknife variance of a function of a group's law.
template <typename Function>
Variance variance_of(const Group& group, Function function) {
  std::vector<double> values;
  for (const PowerLaw& law : group.replicates) values.push_back(function(law));
  return jackknife_variance(values);
}

/// Place of a run in a plan: which width, counted from the smallest, and which seeds.
using PlanKey = std::tuple<Index, Count, Count>;

/// Places of the runs that `replicates` leave out, with where each stands; sorted.
std::vector<std::pair<PlanKey, std::size_t>> plan_of(const Group& group) {
  std::set<Count> widths;
  for (const Curve* run : group.runs) widths.insert(run->width);
  std::vector<std::pair<PlanKey, std::size_t>> plan;
  for (const Curve* run : group.runs) {
    if (!is_sound(*run)) continue;
    const Index place = std::distance(widths.begin(), widths.find(run->width));
    plan.emplace_back(PlanKey{place, run->seed_init, run->seed_data}, plan.size());
  }
  std::sort(plan.begin(), plan.end());
  return plan;
}

/// Replicates of both without corresponding runs; nothing where the plans differ or have two runs
/// in one place.
std::vector<std::pair<const PowerLaw*, const PowerLaw*>> paired_replicates(const Group& a,
                                                                           const Group& b) {
  const auto plan_a = plan_of(a);
  const auto plan_b = plan_of(b);
  if (plan_a.size() != a.replicates.size() || plan_b.size() != b.replicates.size()) return {};
  if (plan_a.size() != plan_b.size()) return {};
  std::vector<std::pair<const PowerLaw*, const PowerLaw*>> pairs;
  for (std::size_t i = 0; i < plan_a.size(); ++i) {
    const bool is_repeated = i > 0 && plan_a[i].first == plan_a[i - 1].first;
    if (plan_a[i].first != plan_b[i].first || is_repeated) return {};
    pairs.emplace_back(&a.replicates[plan_a[i].second], &b.replicates[plan_b[i].second]);
  }
  return pairs;
}

Estimate estimate_multiplier(const Group& group, const Group& baseline, double compute) {
  if (&group == &baseline) return {.value = 1, .standard_error = 0, .low = 1, .high = 1};
  const auto log_multiplier = [compute](const PowerLaw& law, const PowerLaw& base) {
    return std::log(base.compute(law.loss(compute)) / compute);
  };
  const double multiplier = std::exp(log_multiplier(group.law, baseline.law));
  const auto pairs = paired_replicates(group, baseline);
  if (!pairs.empty()) {
    std::vector<double> values;
    for (const auto& [law, base] : pairs) values.push_back(log_multiplier(*law, *base));
    return with_log_interval(multiplier, jackknife_variance(values));
  }
  const Variance own =
      variance_of(group, [&](const PowerLaw& law) { return log_multiplier(law, baseline.law); });
  const Variance base =
      variance_of(baseline, [&](const PowerLaw& law) { return log_multiplier(group.law, law); });
  return with_log_interval(multiplier, sum_of(own, base));
}

/// Factor by which `compute` lies outside the law's fitted range; 1 inside.
double excess(const PowerLaw& law, double compute) {
  const double outside = std::max(compute / law.max_compute, law.min_compute / compute);
  return outside > kRangeSlack ? outside : 1;
}

/// Mean final loss of the sound runs at the largest width.
double last_loss(const Runs& runs) {
  double sum = 0;
  Count n = 0;
  Count largest = 0;
  for (const Curve* curve : runs) {
    if (!is_sound(*curve) || curve->width < largest) continue;
    if (curve->width > largest) {
      largest = curve->width;
      sum = 0;
      n = 0;
    }
    sum += curve->points.back().loss;
    ++n;
  }
  return n > 0 ? sum / static_cast<double>(n) : kMissing;
}

/// Curves made elsewhere may have any text, or none, for theta.
std::optional<Taxonomy> taxonomy_of(const std::string& theta) {
  if (theta.empty()) return std::nullopt;
  try {
    return taxonomy(parse_theta(theta));
  } catch (const Error&) {
    return std::nullopt;
  }
}

RankedStructure describe(const Group& group) {
  RankedStructure row;
  row.structure = group.structure;
  const auto is_narrower = [](const Curve* a, const Curve* b) { return a->width < b->width; };
  const Curve& largest = **std::max_element(group.runs.begin(), group.runs.end(), is_narrower);
  row.family = largest.family;
  row.theta = largest.theta;
  row.taxonomy = taxonomy_of(largest.theta);
  row.params = largest.params;
  row.flops = largest.flops;
  row.n_diverged = group.tracks.n_diverged;
  row.kind = group.tracks.kind;
  row.last_loss = last_loss(group.runs);
  for (const Curve* run : group.runs) row.runs.push_back(run->run);
  row.frontier = group.frontier;
  row.law = group.law;
  if (group.law.is_usable() || group.law.status == FitStatus::not_falling) {
    row.exponent = with_interval(
        group.law.exponent, variance_of(group, [](const PowerLaw& law) { return law.exponent; }));
  }
  return row;
}

/// The largest compute inside the fitted range of every usable law.
double common_compute(const std::vector<Group>& groups) {
  double target = std::numeric_limits<double>::infinity();
  for (const Group& group : groups) {
    if (group.law.is_usable()) target = std::min(target, group.law.max_compute);
  }
  return target;
}

const Group* find_baseline(const std::vector<Group>& groups, const RankingOptions& options) {
  const std::string name = options.baseline.value_or(kDefaultBaseline);
  std::vector<std::string> names;
  for (const Group& group : groups) {
    if (group.structure == name) return &group;
    names.push_back(group.structure);
  }
  if (!options.baseline) return nullptr;
  throw Error("unknown baseline",
              {.where = "--baseline",
               .expected = fmt::format("a structure of the curves ({})", fmt::join(names, ", ")),
               .got = "\"" + name + "\"",
               .hint = did_you_mean(name, names)});
}

void predict(RankedStructure& row, const Group& group, const Group* baseline, double compute) {
  if (!group.law.is_usable()) return;
  const double offset = group.law.offset;
  const auto log_reducible = [compute, offset](const PowerLaw& law) {
    return std::log(law.loss(compute) - offset);
  };
  const Estimate reducible =
      with_log_interval(group.law.loss(compute) - offset, variance_of(group, log_reducible));
  row.predicted_loss = {.value = reducible.value + offset,
                        .standard_error = reducible.standard_error,
                        .low = reducible.low + offset,
                        .high = reducible.high + offset};
  double outside = excess(group.law, compute);
  if (baseline != nullptr && baseline->law.is_usable()) {
    row.multiplier = estimate_multiplier(group, *baseline, compute);
    outside = std::max(outside, excess(baseline->law, row.multiplier.value * compute));
  }
  if (outside > 1) row.extrapolated_by = outside;
}

/// 3e12 rather than 3e+12.
std::string flops_text(double flops) {
  std::string text = fmt::format("{:.2g}", flops);
  if (const auto plus = text.find("e+"); plus != std::string::npos) text.erase(plus + 1, 1);
  return text;
}

std::string describe_verdict(const RankedStructure& row, const Ranking& ranking) {
  if (!row.law.is_usable()) return fmt::format("no law: {}", to_string(row.law.status));
  if (ranking.baseline.empty()) return "";
  if (row.structure == ranking.baseline) return "the baseline";
  if (std::isnan(row.multiplier.value)) return "no law for the baseline";
  if (!row.multiplier.has_interval()) {
    return fmt::format(
        "no interval: {} widths, {} runs", row.frontier.n_widths, row.frontier.n_runs);
  }
  if (row.multiplier.low <= 1 && row.multiplier.high >= 1) {
    return "not distinguishable at this scale";
  }
  std::string text = fmt::format("needs {:.2f}x [{:.2f}, {:.2f}] of {}'s compute at {} FLOPs",
                                 1 / row.multiplier.value,
                                 1 / row.multiplier.high,
                                 1 / row.multiplier.low,
                                 ranking.baseline,
                                 flops_text(ranking.target_compute));
  if (!std::isnan(row.extrapolated_by)) {
    text += fmt::format(" (extrapolated by {:.3g}x)", row.extrapolated_by);
  }
  return text;
}

/// Sort key: lower is better, infinity where there is none.
double rank_key(const RankedStructure& row, RankBy by) {
  const auto or_last = [](double value) {
    return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
  };
  if (!row.law.is_usable()) return std::numeric_limits<double>::infinity();
  switch (by) {
    case RankBy::exponent:
      return -row.law.exponent;
    case RankBy::last_loss:
      return or_last(row.last_loss);
    case RankBy::multiplier:
    case RankBy::predicted_loss:
      // One order: the baseline's law falls, so a lower loss is a larger multiplier.
      break;
  }
  return or_last(row.predicted_loss.value);
}

void put_in_rank_order(std::vector<RankedStructure>& rows, RankBy by) {
  std::stable_sort(rows.begin(), rows.end(), [by](const auto& a, const auto& b) {
    return rank_key(a, by) < rank_key(b, by);
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::isfinite(rank_key(rows[i], by))) rows[i].rank = static_cast<Count>(i) + 1;
  }
}

std::string list_structures(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNamed = 5;
  const std::size_t shown = std::min(names.size(), kMostNamed);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<Index>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

void warn(const std::vector<Group>& groups,
          const RankingOptions& options,
          std::vector<std::string>& warnings) {
  std::vector<std::string> few, lost, ragged;
  std::set<std::string> kinds;
  Count diverged = 0;
  Count inside = 0;
  for (const Group& group : groups) {
    if (group.law.status == FitStatus::few_widths) few.push_back(group.structure);
    const bool has_next_width = group.law.status != FitStatus::few_widths;
    if (has_next_width && group.frontier.n_rising > 1) ragged.push_back(group.structure);
    if (!group.law.is_usable()) {
      lost.push_back(fmt::format("{} ({})", group.structure, to_string(group.law.status)));
    } else {
      kinds.insert(to_string(group.tracks.kind));
    }
    diverged += group.tracks.n_diverged;
    inside += group.tracks.n_inside_decay;
  }
  if (!few.empty()) {
    warnings.push_back(
        "fewer than three widths, so the envelope is untrimmed and has no interval: " +
        list_structures(few));
  }
  if (!ragged.empty()) {
    warnings.push_back(
        "runs end before the next width overtakes them, so the envelope rises in "
        "places (train longer or take closer widths): " +
        list_structures(ragged));
  }
  if (!lost.empty()) warnings.push_back("no law: " + list_structures(lost));
  if (diverged > 0) warnings.push_back(fmt::format("{} diverged runs left out", diverged));
  if (kinds.size() > 1) {
    warnings.push_back(
        "some structures have annealed end points, others constant-rate points: "
        "their multipliers do not compare");
  }
  if (inside > 0 && options.points == PointChoice::all) {
    warnings.push_back(
        fmt::format("{} points inside a decaying schedule are used: at 30 / 50 / 70 / 90 % of a "
                    "linear decay a run seems to need 2.2 / 1.7 / 1.3 / 1.1 times its compute",
                    inside));
  }
}

}  // namespace

const std::vector<std::string>& rank_by_names() {
  static const std::vector<std::string> names = {
      "multiplier", "predicted-loss", "exponent", "last-loss"};
  return names;
}

RankBy parse_rank_by(const std::string& name) {
  constexpr std::array kValues = {
      RankBy::multiplier, RankBy::predicted_loss, RankBy::exponent, RankBy::last_loss};
  for (std::size_t i = 0; i < kValues.size(); ++i) {
    if (rank_by_names()[i] == name) return kValues[i];
  }
  throw Error("unknown order",
              {.where = "--rank-by",
               .expected = fmt::format("{}", fmt::join(rank_by_names(), ", ")),
               .got = "\"" + name + "\"",
               .hint = did_you_mean(name, rank_by_names())});
}

Ranking rank_structures(std::span<const Curve> curves, const RankingOptions& options) {
  require_one_task(curves);
  Ranking ranking;
  ranking.method = options.method;
  std::vector<Group> groups = group_runs(curves, ranking.warnings);
  const Group* baseline = find_baseline(groups, options);
  for (Group& group : groups) fit_group(group, options);
  if (baseline != nullptr) ranking.baseline = baseline->structure;

  const double common = common_compute(groups);
  if (!std::isfinite(common)) {
    throw Error("nothing to fit",
                {.expected = "a structure with two usable points whose loss falls with compute",
                 .got = "none among " + std::to_string(groups.size())});
  }
  ranking.target_compute = options.target_compute.value_or(common);
  for (const Group& group : groups) {
    RankedStructure row = describe(group);
    predict(row, group, baseline, ranking.target_compute);
    row.verdict = describe_verdict(row, ranking);
    ranking.rows.push_back(std::move(row));
  }
  put_in_rank_order(ranking.rows, options.rank_by);
  warn(groups, options, ranking.warnings);
  return ranking;
}

std::vector<std::string> verdict_lines(const Ranking& ranking) {
  std::vector<std::string> lines;
  for (const RankedStructure& row : ranking.rows) {
    if (!row.multiplier.has_interval() || row.structure == ranking.baseline) continue;
    lines.push_back(row.structure + ": " + row.verdict);
  }
  return lines;
}

}  // namespace einsearch
