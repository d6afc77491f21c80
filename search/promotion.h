// Which structures look best at the target, and how sure that is.
//
// Scales are matched by FLOPs and every run of a scale is as long as any other, so a structure's
// runs are compared at their ends: one point per run, at a compute that structures share. Laws
// E + a C^-b through these points have one E (fit/joint_law.h); slopes are shrunk towards the mean
// of all (fit/inference.h), because three points make an uncertain slope, while levels at the
// middle of its points stay as they are. The same is done to every replicate of the bootstrap,
// which says how likely a structure is among the k best.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fit/ranking.h"
#include "train/curve.h"

namespace einsearch {

/// The largest scales so far, by which a structure is judged: smaller ones mislead, since who
/// learns fast at first often ends behind.
inline constexpr std::size_t kJudgedScales = 3;

/// One structure's runs so far.
struct SelectionRuns {
  std::string name;  ///< different for all; the baseline is called dense
  std::vector<const Curve*> runs;
};

struct PredictionOptions {
  double target = 0;  ///< training FLOPs
  Count n_replicates = 200;
  std::uint64_t seed = 0;
  int n_threads = 1;
};

struct Prediction {
  /// Log of the loss predicted at the target; lower is better. Where no law could be fitted, the
  /// log of the last loss; infinity without a sound run.
  std::vector<double> score;
  std::vector<bool> has_law;
  /// Compute that dense needs for the predicted loss, over the target; of the same laws.
  std::vector<Estimate> multiplier;
  std::vector<std::vector<double>> drawn;  ///< structure x replicate; empty: noise not measured
  Ranking ranking;                         ///< of the end points, unshrunk intervals
};

/// A curve that has the end of `curve` alone.
Curve end_of(const Curve& curve);

/// The end of a run that is sound, or nothing.
const CurvePoint* sound_end(const Curve& curve);

Prediction predict_at_target(std::span<const SelectionRuns> structures,
                             const PredictionOptions& options);

/// Of each of `members` (numbers of structures), how often it is among the k best of them. Without
/// replicates 1 or 0.
std::vector<double> probability_in_top(const Prediction& prediction,
                                       const std::vector<std::size_t>& members,
                                       std::size_t k);

}  // namespace einsearch
