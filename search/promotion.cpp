#include "search/promotion.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace einsearch {
namespace {

/// A law by its level at the middle of its own points, where level and slope hardly depend on each
/// other, so that a slope can be shrunk without moving what was measured.
struct LevelSlope {
  double level = kMissing;  ///< log (L - E) at the reference
  double slope = kMissing;
  double log_reference = kMissing;
  double offset = 0;
};

LevelSlope at_own_middle(const PowerLaw& law) {
  if (!law.is_usable()) return {};
  return {std::log(law.prefactor), law.exponent, std::log(law.reference_compute), law.offset};
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

/// Replicate r less its mean over structures.
void take_off_mean(std::vector<std::vector<double>>& deviations, std::size_t r) {
  double sum = 0, n = 0;
  for (const std::vector<double>& own : deviations) {
    if (!std::isfinite(own[r])) continue;
    sum += own[r];
    n += 1;
  }
  for (std::vector<double>& own : deviations) own[r] -= n > 0 ? sum / n : 0;
}

class Shrinkage {
 public:
  Shrinkage(const Ranking& ranking, double target) : target_(target) {
    std::vector<std::vector<double>> deviations;
    for (std::size_t s = 0; s < ranking.names.size(); ++s) {
      deviations.push_back(deviations_of(ranking.replicates, [&](const FitSample& sample) {
        return at_own_middle(sample.laws[s]).slope;
      }));
    }
    // E moves all slopes alike, which says nothing about how they differ.
    for (std::size_t r = 0; r < ranking.replicates.samples.size(); ++r)
      take_off_mean(deviations, r);
    for (const std::vector<double>& own : deviations)
      slope_variance_.push_back(variance_about_zero(own));
  }

  /// Laws with shrunk slopes, in the order of the names.
  std::vector<LevelSlope> laws(const std::vector<PowerLaw>& fitted) const {
    std::vector<LevelSlope> lines;
    std::vector<double> slopes;
    for (const PowerLaw& law : fitted) {
      lines.push_back(at_own_middle(law));
      slopes.push_back(lines.back().slope);
    }
    slopes = shrink(slopes, slope_variance_);
    for (std::size_t s = 0; s < lines.size(); ++s) lines[s].slope = slopes[s];
    return lines;
  }

  /// Log predicted loss; nan where there is no law.
  double score(const LevelSlope& law) const {
    const double away = std::log(target_) - law.log_reference;
    return std::log(law.offset + std::exp(law.level - law.slope * away));
  }

  /// Log of the compute that `base` needs for the loss of `law` at the target, over the target.
  double log_multiplier(const LevelSlope& law, const LevelSlope& base) const {
    const double reducible = std::exp(score(law)) - base.offset;
    return base.log_reference + (base.level - std::log(reducible)) / base.slope - std::log(target_);
  }

 private:
  double target_;
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
  prediction.multiplier.resize(structures.size());
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
  const std::vector<LevelSlope> laws = shrinkage.laws(ranking.joint.laws);
  std::vector<std::vector<LevelSlope>> of_replicate;
  const std::vector<LevelSlope> centre =
      ranking.replicates.samples.empty() ? laws : shrinkage.laws(ranking.replicates.centre.laws);
  for (const FitSample& sample : ranking.replicates.samples)
    of_replicate.push_back(shrinkage.laws(sample.laws));
  if (!of_replicate.empty()) prediction.drawn.resize(structures.size());
  const auto place_of = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(ranking.names.begin(), ranking.names.end(), name) -
                                    ranking.names.begin());
  };
  const std::size_t dense = place_of("dense");
  for (std::size_t i = 0; i < structures.size(); ++i) {
    const std::size_t s = place_of(structures[i].name);
    const bool has_law = s < laws.size() && std::isfinite(shrinkage.score(laws[s]));
    prediction.has_law[i] = has_law;
    if (has_law) prediction.score[i] = shrinkage.score(laws[s]);
    std::vector<double> of_multiplier;
    for (const std::vector<LevelSlope>& drawn : of_replicate) {
      const double deviation = has_law ? shrinkage.score(drawn[s]) - shrinkage.score(centre[s]) : 0;
      prediction.drawn[i].push_back(prediction.score[i] -
                                    (std::isfinite(deviation) ? deviation : 0));
      if (!has_law || dense >= laws.size()) continue;
      of_multiplier.push_back(shrinkage.log_multiplier(drawn[s], drawn[dense]) -
                              shrinkage.log_multiplier(centre[s], centre[dense]));
    }
    if (!has_law || dense >= laws.size()) continue;
    const double multiplier = std::exp(shrinkage.log_multiplier(laws[s], laws[dense]));
    if (!std::isfinite(multiplier)) continue;
    prediction.multiplier[i].value = multiplier;
    if (!of_multiplier.empty() && s != dense)
      prediction.multiplier[i] = with_log_deviations(multiplier, of_multiplier);
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
