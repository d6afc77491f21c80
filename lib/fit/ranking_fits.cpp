#include "fit/ranking_fits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"
#include "fit/edge.h"
#include "fit/ranking_input.h"

namespace einsearch {
namespace {

constexpr const char* kDefaultBaseline = "dense";
constexpr double kFarthest = 10;  // times the largest compute that is predicted unasked

std::vector<const Frontier*> pointers_to(const std::vector<Frontier>& frontiers) {
  std::vector<const Frontier*> pointers;
  for (const Frontier& frontier : frontiers) pointers.push_back(&frontier);
  return pointers;
}

/// The paper's way: least squares in logarithms of loss - offset, structure by structure.
JointFit fit_least_squares(const std::vector<Frontier>& frontiers, double offset) {
  JointFit fit{.laws = {}, .offset = offset, .status = FitStatus::converged};
  for (const Frontier& frontier : frontiers) fit.laws.push_back(fit_power_law(frontier, offset));
  return fit;
}

/// Of laws of interior frontiers.
void follow_edges_of(const std::vector<StructureFit>& groups,
                     const std::vector<double>& last_losses,
                     std::vector<PowerLaw>& laws) {
  std::vector<double> computes;
  for (const StructureFit& group : groups) computes.push_back(group.last_compute);
  follow_edges(last_losses, computes, laws);
}

FitSample refit(const RankingFits& fits, const std::vector<Resample>& resamples) {
  FitSample sample;
  std::vector<Frontier> frontiers;
  for (std::size_t s = 0; s < fits.groups.size(); ++s) {
    frontiers.push_back(build_frontier(fits.groups[s], fits.options, resamples[s]));
    sample.last_loss.push_back(last_loss(fits.groups[s], resamples[s]));
  }
  const bool is_paper = fits.options.method == FrontierMethod::hull;
  sample.laws = is_paper
                    ? fit_least_squares(frontiers, fits.options.offset).laws
                    : refit_laws(pointers_to(frontiers), fits.joint, fits.options.irreducible).laws;
  if (!is_paper) follow_edges_of(fits.groups, sample.last_loss, sample.laws);
  return sample;
}

constexpr std::array kSelectable = {Irreducible::shared, Irreducible::zero, Irreducible::own};

/// The law whose roll-out predicts best; the first of equals.
Irreducible select_irreducible(const Rollout& rollout) {
  Irreducible best = Irreducible::shared;
  for (const Irreducible law : kSelectable) {
    if (rollout.mean_error(law) < rollout.mean_error(best)) best = law;
  }
  return best;
}

void fit_groups(RankingFits& fits) {
  RankingOptions& options = fits.options;
  const bool is_given =
      options.method == FrontierMethod::hull || options.irreducible == Irreducible::given;
  if (options.method == FrontierMethod::hull) options.irreducible = Irreducible::given;
  for (StructureFit& group : fits.groups) {
    group.envelope =
        Envelope(select_points(group.runs, options.points, is_given ? options.offset : 0));
    group.frontier = build_frontier(group, options, {});
  }
  if (!is_given) fits.rollout = roll_out(fits.groups, kSelectable);
  if (options.selects_irreducible && !is_given) {
    options.irreducible = select_irreducible(fits.rollout);
  }
  std::vector<Frontier> frontiers;
  for (const StructureFit& group : fits.groups) frontiers.push_back(group.frontier);
  fits.joint = options.method == FrontierMethod::hull
                   ? fit_least_squares(frontiers, options.offset)
                   : fit_laws(pointers_to(frontiers), options.irreducible, options.offset);
  if (options.method == FrontierMethod::envelope) {
    std::vector<double> last_losses;
    for (const StructureFit& group : fits.groups) last_losses.push_back(last_loss(group, {}));
    follow_edges_of(fits.groups, last_losses, fits.joint.laws);
  }
  for (std::size_t s = 0; s < fits.groups.size(); ++s) fits.groups[s].law = fits.joint.laws[s];
}

std::optional<std::size_t> find_baseline(const std::vector<StructureFit>& groups,
                                         const RankingOptions& options) {
  const std::string name = options.baseline.value_or(kDefaultBaseline);
  std::vector<std::string> names;
  for (std::size_t s = 0; s < groups.size(); ++s) {
    if (groups[s].structure == name) return s;
    names.push_back(groups[s].structure);
  }
  if (!options.baseline) return std::nullopt;
  throw Error("unknown baseline",
              {.where = "--baseline",
               .expected = fmt::format("a structure of the curves ({})", fmt::join(names, ", ")),
               .got = "\"" + name + "\"",
               .hint = did_you_mean(name, names)});
}

/// The largest compute inside the fitted range of every usable law; infinity where there is none.
double common_compute(const std::vector<StructureFit>& groups) {
  double target = kInfinity;
  for (const StructureFit& group : groups) {
    if (group.law.is_usable()) target = std::min(target, group.law.max_compute);
  }
  return target;
}

}  // namespace

Frontier build_frontier(const StructureFit& group,
                        const RankingOptions& options,
                        const Resample& resample) {
  if (options.method == FrontierMethod::envelope) return group.envelope.read(resample);
  return hull_frontier(group.runs, options.points, options.hull, options.offset, resample);
}

double last_loss(const StructureFit& group, const Resample& resample) {
  Index largest = -1;
  for (const RunPlace& run : group.places) {
    if (run.is_sound) largest = std::max(largest, run.place);
  }
  double sum = 0, n = 0;
  for (std::size_t r = 0; r < group.runs.size(); ++r) {
    if (!group.places[r].is_sound || group.places[r].place != largest) continue;
    const auto run = static_cast<Index>(r);
    const auto times = static_cast<double>(resample.times_of(run));
    sum += times * group.runs[r]->points.back().loss * std::exp(resample.shift_of(run));
    n += times;
  }
  return n > 0 ? sum / n : kMissing;
}

double choose_target(const RankingFits& fits, std::optional<double> wanted) {
  const double common = common_compute(fits.groups);
  const double target = wanted.value_or(common);
  if (!std::isfinite(common)) {
    throw Error("nothing to fit",
                {.expected = "a structure with two usable points whose loss falls with compute",
                 .got = "none among " + std::to_string(fits.groups.size())});
  }
  double largest = 0;
  for (const StructureFit& group : fits.groups) {
    for (const Curve* run : group.runs) {
      if (is_sound(*run)) largest = std::max(largest, run->points.back().train_flops);
    }
  }
  if (target > kFarthest * largest && !fits.options.may_extrapolate) {
    throw Error("target beyond ten times the largest compute",
                {.where = "--target-compute",
                 .expected = fmt::format("at most {:.4g}", kFarthest * largest),
                 .got = fmt::format("{:.4g}", target),
                 .hint = "--force extrapolates all the same"});
  }
  return target;
}

RankingFits fit_structures(std::span<const Curve> curves, const RankingOptions& options) {
  require_one_task(curves);
  RankingFits fits;
  fits.options = options;
  fits.groups = group_runs(curves, fits.warnings);
  fits.n_targets = count_targets(curves);
  fits.baseline = find_baseline(fits.groups, options);
  fit_groups(fits);
  choose_target(fits, options.target_compute);  // before minutes of work for one that cannot be
  fits.noise = measure_noise(fits.groups, fits.has_fitted_offset());
  fits.replicates = bootstrap(
      fits.groups,
      fits.noise,
      [&fits](const std::vector<Resample>& resamples) { return refit(fits, resamples); },
      options.bootstrap);
  fits.left_out = options.method == FrontierMethod::envelope
                      ? leave_largest_out(fits.groups, fits.options.irreducible, options.offset)
                      : std::vector<LeftOut>(fits.groups.size());
  return fits;
}

}  // namespace einsearch
