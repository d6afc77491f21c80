#include "fit/noise.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/random.h"

namespace einsearch {
namespace {

/// Sound runs of one structure by width.
std::map<Index, std::vector<std::size_t>> runs_by_place(const StructureFit& fit) {
  std::map<Index, std::vector<std::size_t>> by_place;
  for (std::size_t r = 0; r < fit.runs.size(); ++r) {
    if (fit.places[r].is_sound) by_place[fit.places[r].place].push_back(r);
  }
  return by_place;
}

/// Rows of log losses of runs at places where they compare: budgets, or their last points.
struct Profiles {
  std::vector<std::vector<double>> rows;  // run x budget; nan: nothing
};

Profiles profiles_of(const StructureFit& fit) {
  Profiles profiles{fit.envelope.readings_by_run(fit.runs.size())};
  if (!profiles.rows.empty()) return profiles;
  // Points themselves: those of equal compute compare.
  std::vector<double> computes;
  for (const Track& track : fit.envelope.tracks().tracks) {
    for (const Track::Point& point : track.points) computes.push_back(point.log_compute);
  }
  std::sort(computes.begin(), computes.end());
  constexpr double kSame = 1e-6;
  const auto is_same = [](double a, double b) { return std::abs(a - b) < kSame; };
  computes.erase(std::unique(computes.begin(), computes.end(), is_same), computes.end());
  profiles.rows.assign(fit.runs.size(), std::vector<double>(computes.size(), kMissing));
  for (const Track& track : fit.envelope.tracks().tracks) {
    for (const Track::Point& point : track.points) {
      const auto column =
          std::upper_bound(computes.begin(), computes.end(), point.log_compute + kSame) -
          computes.begin() - 1;
      profiles.rows[static_cast<std::size_t>(point.run)][static_cast<std::size_t>(column)] =
          point.log_loss;
    }
  }
  return profiles;
}

/// How far each of `runs` lies above their mean, over the columns that all of them have.
std::vector<double> deviations(const Profiles& profiles, const std::vector<std::size_t>& runs) {
  std::vector<double> sums(runs.size(), 0);
  double n = 0;
  for (std::size_t column = 0; column < profiles.rows[runs[0]].size(); ++column) {
    double mean = 0;
    for (const std::size_t run : runs) mean += profiles.rows[run][column];
    if (std::isnan(mean)) continue;
    mean /= static_cast<double>(runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) sums[i] += profiles.rows[runs[i]][column] - mean;
    n += 1;
  }
  if (n == 0) return {};
  for (double& sum : sums) sum /= n;
  return sums;
}

using SeedSets = std::map<Index, std::set<Index>>;  // by place

/// The same seeds, each once, at the same places?
bool have_same_plan(const std::vector<StructureFit>& fits) {
  SeedSets first;
  for (std::size_t s = 0; s < fits.size(); ++s) {
    SeedSets seeds;
    std::size_t n = 0;
    for (const RunPlace& run : fits[s].places) {
      if (!run.is_sound) continue;
      seeds[run.place].insert(run.seed);
      ++n;
    }
    std::size_t distinct = 0;
    for (const auto& [place, set] : seeds) {
      if (set != seeds.begin()->second) return false;
      distinct += set.size();
    }
    if (distinct != n || seeds.empty()) return false;
    if (s == 0) first = seeds;
    if (seeds != first) return false;
  }
  return !fits.empty();
}

/// Analysis of variance of deviations d(s, p, k) where all structures share one plan.
void analyse_shared(const std::vector<StructureFit>& fits, NoiseModel& noise) {
  std::map<std::pair<Index, Index>, double> of_width_seed;  // mean over structures
  std::map<Index, double> of_seed;                          // mean over structures and widths
  std::set<Index> places;
  const auto S = static_cast<double>(fits.size());
  for (std::size_t s = 0; s < fits.size(); ++s) {
    for (std::size_t r = 0; r < fits[s].runs.size(); ++r) {
      const RunPlace& run = fits[s].places[r];
      if (!run.is_sound) continue;
      of_width_seed[{run.place, run.seed}] += noise.run_deviation[s][r] / S;
      places.insert(run.place);
    }
  }
  const auto W = static_cast<double>(places.size());
  for (const auto& [key, mean] : of_width_seed) of_seed[key.second] += mean / W;
  const auto K = static_cast<double>(of_seed.size());
  if (K < 2) return;
  double within = 0, between = 0, common = 0;
  for (std::size_t s = 0; s < fits.size(); ++s) {
    for (std::size_t r = 0; r < fits[s].runs.size(); ++r) {
      const RunPlace& run = fits[s].places[r];
      if (!run.is_sound) continue;
      const double rest = noise.run_deviation[s][r] - of_width_seed[{run.place, run.seed}];
      within += rest * rest;
    }
  }
  for (const auto& [key, mean] : of_width_seed) {
    between += S * (mean - of_seed[key.second]) * (mean - of_seed[key.second]);
  }
  for (const auto& [seed, mean] : of_seed) common += S * W * mean * mean;
  const double df_within = (S - 1) * W * (K - 1);
  const double df_between = (W - 1) * (K - 1);
  const double df_common = K - 1;
  const double ms_between = df_between > 0 ? between / df_between : 0;
  const double ms_common = common / df_common;
  if (S > 1) {
    noise.run = {within / df_within, df_within};
    noise.width_seed = {std::max(0.0, (ms_between - noise.run.variance) / S), df_between};
  } else {
    noise.run = df_between > 0 ? VarianceComponent{ms_between, df_between}
                               : VarianceComponent{ms_common, df_common};
  }
  if (df_between > 0) {
    noise.seed = {std::max(0.0, (ms_common - ms_between) / (S * W)), df_common};
  }
}

void measure_seeds(const std::vector<StructureFit>& fits, NoiseModel& noise) {
  double squares = 0, degrees = 0;
  Count fewest = 0;
  for (const StructureFit& fit : fits) {
    noise.run_deviation.emplace_back(fit.runs.size(), 0.0);
    const Profiles profiles = profiles_of(fit);
    for (const auto& [place, runs] : runs_by_place(fit)) {
      const auto n = static_cast<Count>(runs.size());
      fewest = fewest == 0 ? n : std::min(fewest, n);
      if (runs.size() < 2) continue;
      const std::vector<double> d = deviations(profiles, runs);
      if (d.empty()) continue;
      for (std::size_t i = 0; i < runs.size(); ++i) {
        noise.run_deviation.back()[runs[i]] = d[i];
        squares += d[i] * d[i];
      }
      degrees += static_cast<double>(runs.size() - 1);
    }
  }
  noise.n_seeds = std::max<Count>(1, fewest);
  noise.has_shared_seeds = have_same_plan(fits);
  if (degrees == 0) return;
  if (noise.has_shared_seeds) {
    analyse_shared(fits, noise);
  } else {
    noise.run = {squares / degrees, degrees};
  }
}

/// Mean residual of log loss of each width's frontier points, and how much a unit variance of
/// widths would make of their sum of squares: E[sum of means^2] = variance x trace.
struct WidthResiduals {
  std::map<Index, double> mean;  // by place
  double trace = 0;              // the structure has slope and level
  double trace_with_offset = 0;  // and an irreducible loss; 0 where these leave nothing
};

/// Fewest widths that show a misfit: one more than parameters.
constexpr Index kLineParameters = 2;

WidthResiduals width_residuals(const StructureFit& fit) {
  WidthResiduals result;
  if (!fit.law.is_usable()) return result;
  const auto& points = fit.frontier.points;
  const auto n = static_cast<Index>(points.size());
  std::map<Index, Index> column;  // of a place
  for (const FrontierPoint& point : points) {
    column.try_emplace(fit.places[static_cast<std::size_t>(point.run)].place, 0);
  }
  Index next = 0;
  for (auto& [place, index] : column) index = next++;
  const Index n_widths = next;
  if (n_widths <= kLineParameters) return result;
  Eigen::MatrixXd design(n, kLineParameters + 1);
  Eigen::MatrixXd member = Eigen::MatrixXd::Zero(n, n_widths);
  Eigen::VectorXd residual(n);
  for (Index i = 0; i < n; ++i) {
    const FrontierPoint& point = points[static_cast<std::size_t>(i)];
    const double law = fit.law.loss(point.compute);
    const double share = (law - fit.law.offset) / law;
    design(i, 0) = share;
    design(i, 1) = share * std::log(point.compute / fit.law.reference_compute);
    design(i, 2) = 1 / law;
    member(i, column[fit.places[static_cast<std::size_t>(point.run)].place]) = 1;
    residual[i] = std::log(point.loss / law) - fit.law.frontier_excess;
  }
  const Eigen::VectorXd counts = member.colwise().sum();
  const Eigen::MatrixXd average = counts.cwiseInverse().asDiagonal() * member.transpose();
  const auto trace_left_by = [&](Index n_parameters) {
    if (n_widths <= n_parameters) return 0.0;
    const Eigen::MatrixXd used = design.leftCols(n_parameters);
    const Eigen::MatrixXd fitted = used * used.colPivHouseholderQr().solve(member);
    return (average * (member - fitted)).squaredNorm();
  };
  result.trace = trace_left_by(kLineParameters);
  result.trace_with_offset = trace_left_by(kLineParameters + 1);
  const Eigen::VectorXd means = average * residual;
  for (const auto& [place, index] : column) result.mean[place] = means[index];
  return result;
}

double sum_of_squares(const std::map<Index, double>& means) {
  double sum = 0;
  for (const auto& [place, mean] : means) sum += mean * mean;
  return sum;
}

/// Of one structure alone: all its misfit counts as its own.
void measure_single_misfit(const WidthResiduals& residuals, bool has_offset, NoiseModel& noise) {
  const double trace = has_offset ? residuals.trace_with_offset : residuals.trace;
  if (!(trace > 0)) return;
  const Index n_parameters = kLineParameters + (has_offset ? 1 : 0);
  noise.structure_misfit = {
      sum_of_squares(residuals.mean) / trace,
      static_cast<double>(residuals.mean.size()) - static_cast<double>(n_parameters)};
}

/// Of several structures: what their widths' residuals have in common, where their widths align,
/// is misfit of the law's shape; the rest is their own. A shared E has fitted itself to what is
/// common. True where the two were told apart.
bool measure_joint_misfit(const std::vector<WidthResiduals>& all,
                          bool is_offset_fitted,
                          NoiseModel& noise) {
  const auto S = static_cast<double>(all.size());
  std::map<Index, double> common;
  bool is_aligned = all.size() >= 3;
  double trace = 0, trace_with_offset = 0, degrees = 0;
  for (const WidthResiduals& residuals : all) {
    is_aligned = is_aligned && residuals.mean.size() == all[0].mean.size();
    for (const auto& [place, mean] : residuals.mean) common[place] += mean / S;
    trace += residuals.trace;
    trace_with_offset += residuals.trace_with_offset;
    degrees += static_cast<double>(residuals.mean.size()) - kLineParameters;
  }
  is_aligned = is_aligned && common.size() == all[0].mean.size();
  double squares = 0;
  for (const WidthResiduals& residuals : all) {
    for (const auto& [place, mean] : residuals.mean) {
      const double rest = is_aligned ? mean - common[place] : mean;
      squares += rest * rest;
    }
  }
  if (!is_aligned) {
    const double left = is_offset_fitted ? (degrees - 1) / degrees : 1;
    if (degrees * left >= 1) noise.structure_misfit = {squares / (trace * left), degrees * left};
    return false;
  }
  noise.structure_misfit = {squares / (trace * (S - 1) / S), degrees * (S - 1) / S};
  const double common_trace = (is_offset_fitted ? trace_with_offset : trace) / S;
  if (!(common_trace > 0)) return true;
  noise.misfit = {
      std::max(0.0, sum_of_squares(common) / common_trace - noise.structure_misfit.variance / S),
      static_cast<double>(common.size()) - kLineParameters - (is_offset_fitted ? 1 : 0)};
  return true;
}

void measure_misfit(const std::vector<StructureFit>& fits,
                    bool is_offset_fitted,
                    NoiseModel& noise) {
  std::vector<WidthResiduals> all;
  for (const StructureFit& fit : fits) {
    WidthResiduals residuals = width_residuals(fit);
    if (residuals.trace > 0) all.push_back(std::move(residuals));
  }
  if (all.empty()) return;
  bool is_split = false;
  if (fits.size() == 1) {
    measure_single_misfit(all[0], is_offset_fitted, noise);
  } else {
    is_split = measure_joint_misfit(all, is_offset_fitted, noise);
  }
  // What the seeds alone put into a width's best run (or mean point).
  const bool is_mean = fits[0].envelope.is_of_points();
  const double seeds = noise.run.variance + (is_split ? 0 : noise.width_seed.variance);
  const double explained =
      seeds * (is_mean ? 1 / static_cast<double>(noise.n_seeds) : variance_of_least(noise.n_seeds));
  double& variance = noise.structure_misfit.variance;
  variance = std::max(0.0, variance - explained);
}

/// Independent draws within one replicate, by kind and place.
class Draws {
 public:
  Draws(std::uint64_t seed, Index replicate)
      : random_(seed, StreamId::bootstrap, static_cast<std::uint32_t>(replicate)) {}

  double normal(std::uint64_t kind, Index a, Index b = 0, Index c = 0) const {
    return random_.normal(address(kind, a, b, c));
  }
  double uniform(std::uint64_t kind, Index a, Index b = 0, Index c = 0) const {
    return random_.uniform(address(kind, a, b, c));
  }
  /// sqrt(n / chi^2_n): a deviation estimated with n degrees of freedom may be off by this. One
  /// counts as two: Cauchy's distribution would make replicates that no data resemble. Public runs
  /// of four widths, whose misfit has one or two, need no less to be right about the next four.
  double deviation_factor(std::uint64_t kind, double degrees_of_freedom) const {
    constexpr double kMany = 300, kFew = 2;
    if (degrees_of_freedom <= 0 || degrees_of_freedom > kMany) return 1;
    const auto n = static_cast<Index>(std::floor(std::max(kFew, degrees_of_freedom)));
    double sum = 0;
    for (Index i = 0; i < n; ++i) {
      const double z = normal(kind, i);
      sum += z * z;
    }
    return std::sqrt(static_cast<double>(n) / sum);
  }

 private:
  static std::uint64_t address(std::uint64_t kind, Index a, Index b, Index c) {
    return kind << 60 | static_cast<std::uint64_t>(a) << 40 | static_cast<std::uint64_t>(b) << 20 |
           static_cast<std::uint64_t>(c);
  }
  RandomStream random_;
};

enum DrawKind : std::uint64_t {
  kSeedDraw = 1,
  kWidthSeedDraw,
  kRunDraw,
  kMisfitDraw,
  kStructureMisfitDraw,
  kScaleDraw,  // and the four after it
  kResampleDraw = 11,
};

/// Deviations of this replicate's noise.
struct Deviations {
  double seed, width_seed, run, misfit, structure_misfit;
};

Deviations draw_deviations(const NoiseModel& noise, const Draws& draws) {
  const auto draw = [&draws](const VarianceComponent& component, std::uint64_t kind) {
    if (component.variance == 0) return 0.0;
    return std::sqrt(component.variance) *
           draws.deviation_factor(kind, component.degrees_of_freedom);
  };
  return {draw(noise.seed, kScaleDraw),
          draw(noise.width_seed, kScaleDraw + 1),
          draw(noise.run, kScaleDraw + 2),
          draw(noise.misfit, kScaleDraw + 3),
          draw(noise.structure_misfit, kScaleDraw + 4)};
}

/// How often each run counts when seeds (shared) or runs of a width are drawn with replacement.
std::vector<Count> draw_times(const StructureFit& fit,
                              std::size_t s,
                              const NoiseModel& noise,
                              const Draws& draws) {
  std::vector<Count> times(fit.runs.size(), 0);
  const auto by_place = runs_by_place(fit);
  for (const auto& [place, runs] : by_place) {
    std::vector<std::size_t> sorted = runs;
    std::stable_sort(sorted.begin(), sorted.end(), [&fit](std::size_t a, std::size_t b) {
      return fit.places[a].seed < fit.places[b].seed;
    });
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const double part =
          noise.has_shared_seeds
              ? draws.uniform(kResampleDraw, 0, 0, static_cast<Index>(i))
              : draws.uniform(
                    kResampleDraw, static_cast<Index>(s) + 1, place, static_cast<Index>(i));
      ++times[sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size()))]];
    }
  }
  return times;
}

}  // namespace

double variance_of_least(Count n) {
  if (n <= 1) return 1;
  constexpr double kReach = 9;
  constexpr int kSteps = 4000;
  double mass = 0, mean = 0, square = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = kReach * (2.0 * i / kSteps - 1);
    const double above = 0.5 * std::erfc(x / std::sqrt(2.0));
    const double density = std::exp(-x * x / 2) * std::pow(above, static_cast<double>(n - 1));
    mass += density;
    mean += x * density;
    square += x * x * density;
  }
  mean /= mass;
  return square / mass - mean * mean;
}

NoiseModel measure_noise(const std::vector<StructureFit>& fits, bool is_offset_fitted) {
  NoiseModel noise;
  measure_seeds(fits, noise);
  measure_misfit(fits, is_offset_fitted, noise);
  return noise;
}

std::vector<Resample> resample_centre(const std::vector<StructureFit>& fits,
                                      const NoiseModel& noise,
                                      BootstrapKind kind) {
  std::vector<Resample> centre(fits.size());
  if (kind == BootstrapKind::runs) return centre;
  for (std::size_t s = 0; s < fits.size(); ++s) {
    for (const double deviation : noise.run_deviation[s]) centre[s].shift.push_back(-deviation);
  }
  return centre;
}

std::vector<Resample> draw_resamples(const std::vector<StructureFit>& fits,
                                     const NoiseModel& noise,
                                     BootstrapKind kind,
                                     std::uint64_t seed,
                                     Index i) {
  const Draws draws(seed, i);
  const Deviations deviation = draw_deviations(noise, draws);
  std::vector<Resample> resamples = resample_centre(fits, noise, kind);
  for (std::size_t s = 0; s < fits.size(); ++s) {
    const StructureFit& fit = fits[s];
    Resample& resample = resamples[s];
    resample.shift.resize(fit.runs.size(), 0);
    if (kind == BootstrapKind::runs) resample.times = draw_times(fit, s, noise, draws);
    for (std::size_t r = 0; r < fit.runs.size(); ++r) {
      const RunPlace& run = fit.places[r];
      double& shift = resample.shift[r];
      const auto structure = static_cast<Index>(s);
      shift += deviation.misfit * draws.normal(kMisfitDraw, run.place);
      shift +=
          deviation.structure_misfit * draws.normal(kStructureMisfitDraw, structure, run.place);
      if (kind == BootstrapKind::runs) continue;
      shift += deviation.seed * draws.normal(kSeedDraw, run.seed);
      shift += deviation.width_seed * draws.normal(kWidthSeedDraw, run.place, run.seed);
      shift += deviation.run * draws.normal(kRunDraw, structure, static_cast<Index>(r));
    }
  }
  return resamples;
}

}  // namespace einsearch
