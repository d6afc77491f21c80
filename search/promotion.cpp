#include "search/promotion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace einsearch {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Level and slope of a law at a compute that all share.
struct LevelSlope {
  double level = kMissing;  ///< log (L - E)
  double slope = kMissing;
  double offset = 0;
};

LevelSlope at_reference(const PowerLaw& law, double reference) {
  if (!law.is_usable()) return {};
  return {std::log(law.loss(reference) - law.offset), law.exponent, law.offset};
}

double variance_about_zero(const std::vector<double>& deviations) {
  double sum = 0, n = 0;
  for (const double deviation : deviations) {
    if (!std::isfinite(deviation)) continue;
    sum += deviation * deviation;
    n += 1;
  }
  return n > 1 ? sum / n : kMissing;
}

/// Geometric mean of the computes that usable laws refer to.
double common_reference(const std::vector<PowerLaw>& laws) {
  double sum = 0, n = 0;
  for (const PowerLaw& law : laws) {
    if (!law.is_usable()) continue;
    sum += std::log(law.reference_compute);
    n += 1;
  }
  return n > 0 ? std::exp(sum / n) : kMissing;
}

class Shrinkage {
 public:
  Shrinkage(const Ranking& ranking, double target) : target_(target) {
    reference_ = common_reference(ranking.joint.laws);
    for (std::size_t s = 0; s < ranking.names.size(); ++s) {
      const std::vector<double> slopes = deviations_of(
          ranking.replicates,
          [&](const FitSample& sample) { return at_reference(sample.laws[s], reference_).slope; });
      slope_variance_.push_back(variance_about_zero(slopes));
    }
  }

  /// Log predicted losses, shrunk; nan where there is no law.
  std::vector<double> scores(const std::vector<PowerLaw>& laws) const {
    std::vector<double> levels, slopes, offsets, scores;
    for (const PowerLaw& law : laws) {
      const LevelSlope line = at_reference(law, reference_);
      levels.push_back(line.level);
      slopes.push_back(line.slope);
      offsets.push_back(line.offset);
    }
    slopes = shrink(slopes, slope_variance_);
    const double away = std::log(target_ / reference_);
    for (std::size_t s = 0; s < laws.size(); ++s)
      scores.push_back(std::log(offsets[s] + std::exp(levels[s] - slopes[s] * away)));
    return scores;
  }

 private:
  double target_, reference_ = kMissing;
  std::vector<double> slope_variance_;
};

/// Mean log loss of the runs that cost most.
double last_score(const SelectionRuns& structure) {
  double largest = 0;
  for (const Curve* run : structure.runs) {
    if (const CurvePoint* end = sound_end(*run)) largest = std::max(largest, end->train_flops);
  }
  double sum = 0, n = 0;
  for (const Curve* run : structure.runs) {
    const CurvePoint* end = sound_end(*run);
    if (end == nullptr || end->train_flops < 0.99 * largest) continue;
    sum += std::log(end->loss);
    n += 1;
  }
  return n > 0 ? sum / n : kInfinity;
}

}  // namespace

const CurvePoint* sound_end(const Curve& curve) {
  if (curve.points.empty()) return nullptr;
  const CurvePoint& end = curve.points.back();
  const bool is_good = end.status == RunStatus::ok && std::isfinite(end.loss) && end.loss > 0;
  return is_good ? &end : nullptr;
}

Curve end_of(const Curve& curve) {
  Curve end = curve;
  end.points = {curve.points.back()};
  return end;
}

Prediction predict_at_target(std::span<const SelectionRuns> structures,
                             const PredictionOptions& options) {
  Prediction prediction;
  std::vector<Curve> ends;
  for (const SelectionRuns& structure : structures) {
    prediction.score.push_back(last_score(structure));
    for (const Curve* run : structure.runs) {
      if (sound_end(*run) == nullptr) continue;
      ends.push_back(end_of(*run));
      ends.back().structure = structure.name;
    }
  }
  prediction.has_law.assign(structures.size(), false);
  RankingOptions request;
  request.target_compute = options.target;
  request.may_extrapolate = true;
  request.bootstrap.n_replicates = options.n_replicates;
  request.bootstrap.seed = options.seed;
  request.bootstrap.n_threads = options.n_threads;
  request.bootstrap.kind = BootstrapKind::parametric;
  try {
    prediction.ranking = rank_structures(ends, request);
  } catch (const SystemError&) {
    throw;
  } catch (const Error&) {
    return prediction;  // nobody's loss falls with compute: last losses are all there is
  }
  const Ranking& ranking = prediction.ranking;
  const Shrinkage shrinkage(ranking, options.target);
  const std::vector<double> shrunk = shrinkage.scores(ranking.joint.laws);
  std::vector<std::vector<double>> of_replicate;
  const std::vector<double> centre = ranking.replicates.samples.empty()
                                         ? shrunk
                                         : shrinkage.scores(ranking.replicates.centre.laws);
  for (const FitSample& sample : ranking.replicates.samples)
    of_replicate.push_back(shrinkage.scores(sample.laws));
  if (!of_replicate.empty()) prediction.drawn.resize(structures.size());
  for (std::size_t i = 0; i < structures.size(); ++i) {
    const auto found = std::find(ranking.names.begin(), ranking.names.end(), structures[i].name);
    const auto s = static_cast<std::size_t>(found - ranking.names.begin());
    const bool has_law = found != ranking.names.end() && std::isfinite(shrunk[s]);
    prediction.has_law[i] = has_law;
    if (has_law) prediction.score[i] = shrunk[s];
    for (const std::vector<double>& scores : of_replicate) {
      const double deviation = has_law ? scores[s] - centre[s] : 0;
      prediction.drawn[i].push_back(prediction.score[i] -
                                    (std::isfinite(deviation) ? deviation : 0));
    }
  }
  return prediction;
}

std::vector<double> probability_in_top(const Prediction& prediction,
                                       const std::vector<std::size_t>& members,
                                       std::size_t k) {
  std::vector<double> share(members.size(), 0);
  std::vector<std::size_t> order(members.size());
  const auto count_best = [&](const auto& score_of_member, double weight) {
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return score_of_member(a) < score_of_member(b);
    });
    for (std::size_t i = 0; i < std::min(k, order.size()); ++i) share[order[i]] += weight;
  };
  if (prediction.drawn.empty()) {
    count_best([&](std::size_t i) { return prediction.score[members[i]]; }, 1);
    return share;
  }
  const std::size_t n = prediction.drawn.front().size();
  for (std::size_t r = 0; r < n; ++r) {
    count_best([&](std::size_t i) { return prediction.drawn[members[i]][r]; },
               1 / static_cast<double>(n));
  }
  return share;
}

}  // namespace einsearch
