// From curves to an answer: a frontier and a law per structure, and how much compute each needs
// compared with a baseline.
//
// Compute multiplier of s at compute C: the compute that the baseline's law needs for the loss
// L_s(C), divided by C; above 1, s is cheaper. Its inverse is "needs 0.71x of dense's compute".
// Both laws are certain only inside the range that they were fitted on; outside, the row says by
// what factor it is extrapolated.
//
// All intervals are 95 %, by jackknife over runs (fit/jackknife.h). Where a structure and the
// baseline were run on the same plan (as many widths, the same seeds at each), a multiplier's
// interval comes from leaving out corresponding runs of both at once: what both share (the widths
// tried, the order of the data) cancels. Elsewhere the variances of both add up.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/frontier.h"
#include "fit/hull_frontier.h"
#include "fit/jackknife.h"
#include "fit/power_law.h"
#include "structure/taxonomy.h"
#include "train/curve.h"

namespace einsearch {

enum class FrontierMethod { envelope, hull };
enum class RankBy { multiplier, predicted_loss, exponent, last_loss };

/// Names as typed after --rank-by: multiplier, predicted-loss, exponent, last-loss.
const std::vector<std::string>& rank_by_names();
RankBy parse_rank_by(const std::string& name);

struct RankingOptions {
  FrontierMethod method = FrontierMethod::envelope;
  PointChoice points = PointChoice::comparable;
  double offset = 0;                     ///< E of all laws
  std::optional<std::string> baseline;   ///< must exist; nothing: dense if there
  std::optional<double> target_compute;  ///< nothing: the largest inside every fitted range
  RankBy rank_by = RankBy::multiplier;
  HullOptions hull = {};
};

/// One structure's line of the ranking.
struct RankedStructure {
  Count rank = 0;  ///< 1: best; 0: could not be ranked
  std::string structure;
  std::string family;
  std::string theta;
  std::optional<Taxonomy> taxonomy;  ///< nothing where theta is missing or does not parse
  Count params = 0;                  ///< of the model at the largest width; 0 if unknown
  double flops = kMissing;
  Count n_diverged = 0;
  double last_loss = kMissing;  ///< mean final loss of the runs at the largest width
  PointKind kind = PointKind::constant_rate;
  std::vector<std::string> runs;  ///< identities, in the order that Frontier numbers them
  Frontier frontier;
  PowerLaw law;
  Estimate exponent;                  ///< with standard error and interval
  Estimate predicted_loss;            ///< at the target compute
  Estimate multiplier;                ///< over the baseline, at the target compute
  double extrapolated_by = kMissing;  ///< factor outside a fitted range; missing: inside both
  std::string verdict;
};

struct Ranking {
  std::vector<RankedStructure> rows;  ///< by rank, those without one last
  std::string baseline;               ///< empty: none
  double target_compute = kMissing;
  FrontierMethod method = FrontierMethod::envelope;
  std::vector<std::string> warnings;  ///< one line each
};

/// Fits and ranks all structures in `curves`. Throws Error for several tasks in one fit, an unknown
/// baseline, losses not above the offset, and when no structure has two usable points.
Ranking rank_structures(std::span<const Curve> curves, const RankingOptions& options = {});

/// The verdicts that rest on an interval, one line each: "low-rank:1/4: needs 1.6x [1.4, 1.9] of
/// dense's compute at 3e12 FLOPs".
std::vector<std::string> verdict_lines(const Ranking& ranking);

}  // namespace einsearch
