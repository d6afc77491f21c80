#include "fit/forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/digest.h"
#include "base/error.h"
#include "fit/bootstrap.h"

namespace einsearch {
namespace {

constexpr double kNear = 1.05;  // end points within this factor of the target stand for it
constexpr double kLeastProbability = 1e-3;  // an order is never taken for certain

/// Standard deviation of a structure's measured loss about its law: seeds, and widths that suit it
/// less or more.
double scatter_of(const NoiseModel& noise) {
  return std::sqrt(noise.structure_misfit.variance + noise.run.variance);
}

/// Mean and standard deviation of how far frontiers of few widths lie above the law at a compute
/// that nobody chose: u^2 of uniform u has a deviation of sqrt(4/5) of its mean.
struct FrontierExcess {
  double mean, deviation;
};

FrontierExcess excess_of(const PowerLaw& law) {
  return {law.frontier_excess, std::sqrt(0.8) * law.frontier_excess};
}

/// The estimate times `factor`.
Estimate scaled(Estimate estimate, double factor) {
  for (double* number : {&estimate.value,
                         &estimate.standard_error,
                         &estimate.low,
                         &estimate.high,
                         &estimate.low_80,
                         &estimate.high_80}) {
    *number *= factor;
  }
  return estimate;
}

double normal_probability(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// P(measured loss of a < that of b): the share of replicates, each smoothed by the scatter.
double probability_below(const Ranking& ranking, std::size_t a, std::size_t b, double scatter) {
  const double target = ranking.target_compute;
  const auto difference = [a, b, target](const FitSample& sample) {
    return score_of(sample, b, RankBy::predicted_loss, target) -
           score_of(sample, a, RankBy::predicted_loss, target);
  };
  FitSample data;
  data.laws = ranking.joint.laws;
  const double value = difference(data);
  double sum = 0, n = 0;
  for (const double deviation : deviations_of(ranking.replicates, difference)) {
    if (!std::isfinite(deviation)) continue;
    const double drawn = value - deviation;
    const double spread = std::sqrt(2.0) * scatter;
    sum += spread > 0 ? normal_probability(drawn / spread) : (drawn > 0 ? 1 : 0);
    n += 1;
  }
  if (n == 0) return 0.5;
  return std::clamp(sum / n, kLeastProbability, 1 - kLeastProbability);
}

/// The lowest loss that runs reach at `compute`; nan where none does.
double observed_loss(const Runs& runs, double compute) {
  const TrackSet set = select_points(runs, PointChoice::comparable);
  const double at = std::log(compute);
  double lowest = kMissing;
  std::map<Count, std::pair<double, double>> ends;  // by width: sum of log losses, number
  for (const Track& track : set.tracks) {
    const auto& points = track.points;
    for (std::size_t i = 1; i < points.size(); ++i) {
      const Track::Point& left = points[i - 1];
      const Track::Point& right = points[i];
      if (at < left.log_compute || at > right.log_compute) continue;
      const double part = (at - left.log_compute) / (right.log_compute - left.log_compute);
      const double log_loss = left.log_loss + part * (right.log_loss - left.log_loss);
      if (!(lowest <= log_loss)) lowest = log_loss;
    }
    for (const Track::Point& point : points) {
      if (std::abs(point.log_compute - at) > std::log(kNear)) continue;
      auto& [sum, n] = ends[track.width];
      sum += point.log_loss;
      n += 1;
    }
  }
  if (std::isfinite(lowest)) return std::exp(lowest);
  for (const auto& [width, end] : ends) {
    const double mean = end.first / end.second;
    if (!(lowest <= mean)) lowest = mean;
  }
  return std::exp(lowest);
}

StructureScore score_structure(const StructureForecast& forecast, double observed) {
  StructureScore score;
  score.structure = forecast.structure;
  score.predicted = forecast.predicted_loss;
  if (!std::isfinite(observed)) return score;
  score.observed_loss = observed;
  score.log_error = std::log(observed / forecast.predicted_loss.value);
  score.z = score.log_error / forecast.log_deviation;
  score.log_score = -0.5 * score.z * score.z - std::log(forecast.log_deviation) -
                    0.5 * std::log(2 * std::acos(-1.0));
  const Estimate& predicted = forecast.predicted_loss;
  score.is_inside_95 = predicted.low <= observed && observed <= predicted.high;
  score.is_inside_80 = predicted.low_80 <= observed && observed <= predicted.high_80;
  return score;
}

void score_pairs(const Forecast& forecast,
                 const std::map<std::string, double>& observed,
                 ForecastScore& score) {
  double sum = 0;
  for (const PairForecast& pair : forecast.pairs) {
    const auto better = observed.find(pair.better);
    const auto worse = observed.find(pair.worse);
    if (better == observed.end() || worse == observed.end()) continue;
    const bool is_right = better->second < worse->second;
    ++score.n_pairs;
    score.n_pairs_right += is_right ? 1 : 0;
    sum += std::log(is_right ? pair.probability : 1 - pair.probability);
  }
  if (score.n_pairs > 0) score.pair_log_score = sum / static_cast<double>(score.n_pairs);
}

}  // namespace

Forecast make_forecast(const Ranking& ranking) {
  Forecast forecast;
  forecast.target_compute = ranking.target_compute;
  forecast.baseline = ranking.baseline;
  forecast.irreducible = to_string(ranking.irreducible);
  forecast.n_replicates = static_cast<Count>(ranking.replicates.samples.size());
  const double scatter = scatter_of(ranking.noise);
  std::vector<std::size_t> places;
  for (const RankedStructure& row : ranking.rows) {
    if (!row.predicted_loss.has_interval()) continue;
    StructureForecast one;
    one.structure = row.structure;
    one.law_loss = row.predicted_loss;
    const FrontierExcess excess = excess_of(row.law);
    one.predicted_loss = widened(scaled(row.predicted_loss, std::exp(excess.mean)),
                                 std::hypot(scatter, excess.deviation));
    one.log_deviation = one.predicted_loss.standard_error / one.predicted_loss.value;
    one.multiplier = row.multiplier;
    one.exponent = row.exponent;
    one.extrapolated_by = row.extrapolated_by;
    one.leave_largest_out_error = row.leave_largest_out_error;
    one.status = row.law.status;
    forecast.structures.push_back(std::move(one));
    const auto place = std::find(ranking.names.begin(), ranking.names.end(), row.structure);
    places.push_back(static_cast<std::size_t>(place - ranking.names.begin()));
  }
  if (forecast.structures.empty()) {
    throw Error("nothing to predict",
                {.expected = "a structure with an interval: three widths and repeated seeds, or "
                             "four widths",
                 .got = "none"});
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (std::size_t j = i + 1; j < places.size(); ++j) {
      const double below = probability_below(ranking, places[i], places[j], scatter);
      const bool is_first = below >= 0.5;
      forecast.pairs.push_back({forecast.structures[is_first ? i : j].structure,
                                forecast.structures[is_first ? j : i].structure,
                                is_first ? below : 1 - below});
    }
  }
  return forecast;
}

ForecastScore score_forecast(const Forecast& forecast, std::span<const Curve> curves) {
  ForecastScore score;
  score.target_compute = forecast.target_compute;
  std::map<std::string, Runs> runs;
  for (const Curve& curve : curves) {
    if (!curve.points.empty()) runs[curve.structure].push_back(&curve);
  }
  std::map<std::string, double> observed;
  std::vector<double> predictions, observations;
  double inside_95 = 0, inside_80 = 0, log_score = 0;
  for (const StructureForecast& one : forecast.structures) {
    const auto own = runs.find(one.structure);
    const double loss =
        own == runs.end() ? kMissing : observed_loss(own->second, forecast.target_compute);
    const StructureScore row = score_structure(one, loss);
    score.rows.push_back(row);
    if (!row.is_scored()) continue;
    observed[one.structure] = loss;
    predictions.push_back(one.predicted_loss.value);
    observations.push_back(loss);
    ++score.n_scored;
    inside_95 += row.is_inside_95 ? 1 : 0;
    inside_80 += row.is_inside_80 ? 1 : 0;
    log_score += row.log_score;
  }
  if (score.n_scored == 0) {
    throw Error("nothing to score",
                {.expected = fmt::format("runs of {} that reach {:.6g}",
                                         forecast.structures.front().structure,
                                         forecast.target_compute),
                 .got = "none"});
  }
  const auto n = static_cast<double>(score.n_scored);
  score.coverage_95 = inside_95 / n;
  score.coverage_80 = inside_80 / n;
  score.mean_log_score = log_score / n;
  score.tau = kendall_tau(predictions, observations);
  score_pairs(forecast, observed, score);
  return score;
}

std::string digest_of(std::span<const Curve> curves) {
  std::vector<std::string> lines;
  for (const Curve& curve : curves) {
    std::string line = fmt::format("{}|{}|{}|{}|{}|{}",
                                   curve.structure,
                                   curve.task,
                                   curve.width,
                                   curve.seed_init,
                                   curve.seed_data,
                                   curve.seed_task);
    for (const CurvePoint& point : curve.points) {
      line += fmt::format(";{},{},{},{}", point.step, point.train_flops, point.loss, point.anneal);
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return digest(fmt::format("{}", fmt::join(lines, "\n")));
}

std::string describe_score(const ForecastScore& score) {
  std::string text = fmt::format(
      "{} of {} structures scored at {:.3g}: 95 % intervals contain {:.0f} %, 80 % intervals "
      "{:.0f} "
      "%; mean log score of losses {:.3f}",
      score.n_scored,
      score.rows.size(),
      score.target_compute,
      100 * score.coverage_95,
      100 * score.coverage_80,
      score.mean_log_score);
  if (score.n_pairs == 0) return text;
  return text + fmt::format(
                    "; {} of {} pairs in the right order, mean log score {:.3f} (a coin: "
                    "-0.693)",
                    score.n_pairs_right,
                    score.n_pairs,
                    score.pair_log_score);
}

}  // namespace einsearch
