#include "fit/rollout.h"

#include <algorithm>
#include <cmath>

namespace einsearch {
namespace {

constexpr Index kFewestWidths = 3;    // that have a trimmed frontier
constexpr Index kFewestToSelect = 4;  // one interior width alone says nothing of curvature

/// The frontier of the `n_widths` smallest widths.
Frontier frontier_of_smallest(const StructureFit& fit, Index n_widths) {
  if (n_widths >= fit.n_places) return fit.envelope.read();
  Resample resample;
  for (const RunPlace& run : fit.places) resample.times.push_back(run.place < n_widths ? 1 : 0);
  return fit.envelope.read(resample);
}

struct Prediction {
  Count n_points = 0;
  double sum = 0;       // of |log law - log loss|
  double distance = 0;  // sum of log compute beyond the law's range
};

/// Errors of a law on the points of `next` beyond its own range.
Prediction predict_beyond(const PowerLaw& law, const Frontier& next) {
  Prediction prediction;
  if (!law.is_usable()) return prediction;
  for (const FrontierPoint& point : next.points) {
    if (!(point.compute > law.max_compute)) continue;
    ++prediction.n_points;
    prediction.distance += std::log(point.compute / law.max_compute);
    const double predicted = std::log(law.loss(point.compute)) + law.frontier_excess;
    prediction.sum += std::abs(predicted - std::log(point.loss));
  }
  return prediction;
}

/// Predictions of width `n_widths` + 1 by laws of the smaller ones, per structure.
std::vector<Prediction> predict_next(std::span<const StructureFit> fits,
                                     Index n_widths,
                                     Irreducible irreducible,
                                     double given_offset) {
  std::vector<Frontier> now, next;
  std::vector<const Frontier*> pointers;
  for (const StructureFit& fit : fits) {
    const bool has_next = fit.n_places > n_widths;
    now.push_back(has_next ? frontier_of_smallest(fit, n_widths) : Frontier{});
    next.push_back(has_next ? frontier_of_smallest(fit, n_widths + 1) : Frontier{});
  }
  for (const Frontier& frontier : now) pointers.push_back(&frontier);
  const JointFit joint = fit_laws(pointers, irreducible, given_offset);
  std::vector<Prediction> predictions;
  for (std::size_t s = 0; s < fits.size(); ++s) {
    predictions.push_back(predict_beyond(joint.laws[s], next[s]));
  }
  return predictions;
}

}  // namespace

double Rollout::mean_error(Irreducible irreducible) const {
  double sum = 0, n = 0;
  for (const RolloutRow& row : rows) {
    const bool is_common = std::all_of(rows.begin(), rows.end(), [&row](const RolloutRow& other) {
      return other.n_widths != row.n_widths || other.n_points == row.n_points;
    });
    if (row.irreducible != irreducible || row.n_points == 0 || !is_common) continue;
    sum += row.error;
    n += 1;
  }
  return n > 0 ? sum / n : kMissing;
}

Rollout roll_out(std::span<const StructureFit> fits, std::span<const Irreducible> laws) {
  Rollout rollout;
  Index most = 0;
  for (const StructureFit& fit : fits) most = std::max(most, fit.n_places);
  for (const Irreducible irreducible : laws) {
    for (Index n_widths = kFewestToSelect; n_widths < most; ++n_widths) {
      RolloutRow row{.irreducible = irreducible, .n_widths = n_widths};
      double sum = 0;
      for (const Prediction& prediction : predict_next(fits, n_widths, irreducible, 0)) {
        if (prediction.n_points > 0) ++row.n_structures;
        row.n_points += prediction.n_points;
        sum += prediction.sum;
      }
      row.error = row.n_points > 0 ? sum / static_cast<double>(row.n_points) : kMissing;
      rollout.rows.push_back(row);
    }
  }
  return rollout;
}

double LeftOut::law_deviation(const PowerLaw& law, double compute) const {
  if (!(distance > 0) || !std::isfinite(error)) return 0;
  const double above = std::log(compute / law.max_compute);
  const double below = std::log(law.min_compute / compute);
  const double times = std::max({above, below, 0.0}) / distance;
  return error * times * std::max(1.0, times);
}

std::vector<LeftOut> leave_largest_out(std::span<const StructureFit> fits,
                                       Irreducible irreducible,
                                       double given_offset) {
  std::vector<LeftOut> errors(fits.size());
  std::vector<Frontier> smaller;
  std::vector<const Frontier*> pointers;
  for (const StructureFit& fit : fits) {
    const bool is_enough = fit.n_places > kFewestWidths;
    smaller.push_back(is_enough ? frontier_of_smallest(fit, fit.n_places - 1) : Frontier{});
  }
  for (const Frontier& frontier : smaller) pointers.push_back(&frontier);
  const JointFit joint = fit_laws(pointers, irreducible, given_offset);
  for (std::size_t s = 0; s < fits.size(); ++s) {
    const Prediction prediction = predict_beyond(joint.laws[s], fits[s].frontier);
    if (prediction.n_points > 0) {
      const auto n = static_cast<double>(prediction.n_points);
      errors[s] = {.error = prediction.sum / n, .distance = prediction.distance / n};
    }
  }
  return errors;
}

}  // namespace einsearch
