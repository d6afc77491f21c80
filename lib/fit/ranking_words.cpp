#include "fit/ranking_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace einsearch {
namespace {

std::string list_structures(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNamed = 5;
  const std::size_t shown = std::min(names.size(), kMostNamed);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<Index>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

char letter_of(FitStatus status) {
  switch (status) {
    case FitStatus::converged:
      return 'C';
    case FitStatus::few_widths:
      return 'F';
    case FitStatus::bound_hit:
      return 'B';
    case FitStatus::no_curvature:
      return 'N';
    case FitStatus::max_iter:
      return 'M';
    case FitStatus::restarts_disagree:
      return 'R';
    case FitStatus::too_few_points:
      return 'T';
    case FitStatus::not_falling:
      break;
  }
  return 'U';
}

/// What there is to say about intervals and orders once replicates exist.
void note_replicates(const Ranking& ranking, std::vector<std::string>& lines) {
  const bool is_parametric = ranking.replicates.kind == BootstrapKind::parametric;
  lines.push_back(fmt::format("intervals: {} replicates, {}",
                              ranking.replicates.samples.size(),
                              is_parametric
                                  ? "runs drawn anew with the scatter that seeds and residuals show"
                                  : "seeds resampled"));
}

/// How well each law predicted widths that it did not know, and which one is used.
void note_rollout(const Ranking& ranking, std::vector<std::string>& lines) {
  std::string text;
  for (const Irreducible law : {Irreducible::shared, Irreducible::zero, Irreducible::own}) {
    const double error = ranking.rollout.mean_error(law);
    if (std::isnan(error)) continue;
    text += fmt::format("{}{} {:.2g} %", text.empty() ? "" : ", ", to_string(law), 100 * error);
  }
  if (text.empty()) return;
  lines.push_back(
      fmt::format("roll-out: error of predicting the next width by irreducible loss: "
                  "{}; used: {}",
                  text,
                  to_string(ranking.irreducible)));
}

}  // namespace

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
  if (row.is_below_floor) return "below the irreducible loss of the baseline";
  if (std::isnan(row.multiplier.value)) return "no law for the baseline";
  if (!row.multiplier.has_interval()) {
    return fmt::format(
        "no interval: {} widths, {} runs", row.frontier.n_widths, row.frontier.n_runs);
  }
  constexpr double kRounding = 1e-9;
  if (row.multiplier.low <= 1 + kRounding && row.multiplier.high >= 1 - kRounding) {
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

std::string evidence(const RankedStructure& row) {
  const double decades = row.law.n_points > 0 ? row.law.decades() : 0;
  return fmt::format(
      "{}w {}s {:.1f}d {}", row.frontier.n_widths, row.n_seeds, decades, letter_of(row.law.status));
}

void warn_of_fits(const std::vector<StructureFit>& groups,
                  const RankingOptions& options,
                  std::vector<std::string>& warnings) {
  std::vector<std::string> few, lost, ragged;
  std::set<std::string> kinds;
  Count diverged = 0, inside = 0;
  Count at_bound = 0, flat = 0, unsettled = 0;
  for (const StructureFit& group : groups) {
    if (group.law.status == FitStatus::few_widths) few.push_back(group.structure);
    at_bound += group.law.status == FitStatus::bound_hit ? 1 : 0;
    flat += group.law.status == FitStatus::no_curvature ? 1 : 0;
    unsettled += group.law.status == FitStatus::max_iter ? 1 : 0;
    unsettled += group.law.status == FitStatus::restarts_disagree ? 1 : 0;
    const bool has_next_width = group.law.status != FitStatus::few_widths;
    if (has_next_width && group.frontier.n_rising > 1) ragged.push_back(group.structure);
    if (!group.law.is_usable()) {
      lost.push_back(fmt::format("{} ({})", group.structure, to_string(group.law.status)));
    } else {
      kinds.insert(to_string(group.envelope.tracks().kind));
    }
    diverged += group.envelope.tracks().n_diverged;
    inside += group.envelope.tracks().n_inside_decay;
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
  if (at_bound > 0) {
    warnings.push_back(
        options.irreducible == Irreducible::own
            ? fmt::format("the irreducible loss of {} structures ended at a bound", at_bound)
            : "the irreducible loss ended at its bound, " +
                  fmt::format("{:.4g}", groups.front().law.offset));
  }
  if (flat > 0) {
    warnings.push_back(
        "no curvature: without an irreducible loss the laws fit as well, so the frontiers do not "
        "say where it lies");
  }
  if (unsettled > 0) {
    warnings.push_back(
        fmt::format("{} laws did not settle (max_iter or restarts_disagree)", unsettled));
  }
}

std::vector<std::string> note_lines(const Ranking& ranking) {
  std::vector<std::string> lines;
  if (ranking.replicates.samples.empty()) return lines;
  const bool is_joint = ranking.irreducible == Irreducible::shared && ranking.rows.size() > 1;
  if (is_joint && ranking.method == FrontierMethod::envelope) {
    const Estimate& offset = ranking.rows.front().irreducible_loss;
    lines.push_back(fmt::format("irreducible loss, shared by all laws: {:.4g} [{:.4g}, {:.4g}]",
                                offset.value,
                                offset.low,
                                offset.high));
  }
  note_replicates(ranking, lines);
  note_rollout(ranking, lines);
  if (ranking.rows.size() < 2) return lines;
  if (ranking.n_targets == 1) {
    lines.push_back("every run has the same seed_task: this ranking speaks of one target");
  }
  if (std::isfinite(ranking.single_scale_tau)) {
    lines.push_back(
        fmt::format("Kendall's tau with the order of the last loss at one scale: {:.2f}",
                    ranking.single_scale_tau));
  }
  return lines;
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
