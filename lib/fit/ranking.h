// From curves to an answer: a frontier and a law per structure, and how much compute each needs
// compared with a baseline.
//
// Compute multiplier of s at compute C: the compute that the baseline's law needs for the loss
// L_s(C), divided by C; above 1, s is cheaper. Its inverse is "needs 0.71x of dense's compute".
// Both laws are certain only inside the range that they were fitted on; outside, the row says by
// what factor it is extrapolated, and how far off a law was that did not know the largest width.
//
// Laws share their irreducible loss by default (fit/joint_law.h); intervals come from a bootstrap
// over runs (fit/bootstrap.h), in which structures that share seeds keep what they share.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "fit/bootstrap.h"
#include "fit/frontier.h"
#include "fit/hull_frontier.h"
#include "fit/inference.h"
#include "fit/joint_law.h"
#include "fit/power_law.h"
#include "fit/ranking_fits.h"
#include "fit/ranking_options.h"
#include "fit/rollout.h"
#include "structure/taxonomy.h"
#include "train/curve.h"

namespace einsearch {

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
  Count n_seeds = 0;            ///< fewest sound runs at any width
  double last_loss = kMissing;  ///< mean final loss of the runs at the largest width
  PointKind kind = PointKind::constant_rate;
  std::vector<std::string> runs;  ///< identities, in the order that Frontier numbers them
  Frontier frontier;
  PowerLaw law;
  Estimate irreducible_loss;
  Estimate prefactor;
  Estimate exponent;
  double exponent_jackknife_se = kMissing;  ///< leaving out one run at a time, E kept
  double exponent_shrunk = kMissing;        ///< towards the other structures' mean
  double prefactor_shrunk = kMissing;       ///< the same of levels
  Estimate predicted_loss;  ///< at the target compute; outside the data the interval allows for
                            ///< the law being wrong, see LeftOut
  double predicted_loss_shrunk = kMissing;  ///< from slope and level shrunk
  Estimate multiplier;                      ///< over the baseline, at the target compute
  double multiplier_shrunk = kMissing;
  double extrapolated_by = kMissing;  ///< factor outside a fitted range; missing: inside both
  double leave_largest_out_error = kMissing;  ///< mean |log law / loss| of the largest width
  bool is_below_floor = false;                ///< the baseline's law never reaches this loss
  RankInference inference;
  double p_beats_baseline = kMissing;
  double p_within_5_percent = kMissing;  ///< of the baseline's compute
  double p_undominated = kMissing;       ///< where criteria were given (fit/dominance.h)
  Count single_scale_rank = 0;           ///< in the order of the last loss
  std::string verdict;
  std::string tuning;  ///< pass, weak, fail, not run (fit/tuning.h); empty: not checked
};

struct Ranking {
  std::vector<RankedStructure> rows;  ///< by rank, those without one last
  std::string baseline;               ///< empty: none
  double target_compute = kMissing;
  FrontierMethod method = FrontierMethod::envelope;
  Irreducible irreducible = Irreducible::shared;
  JointFit joint;  ///< with the laws in the order of structure names
  NoiseModel noise;
  Replicates replicates;               ///< structures in the order of their names
  std::vector<std::string> names;      ///< that order
  Rollout rollout;                     ///< empty where E was given
  double single_scale_tau = kMissing;  ///< Kendall's tau of this order and that of the last loss
  Count n_targets = 1;                 ///< different seed_task
  std::vector<std::string> warnings;   ///< one line each
};

/// Fits and ranks all structures in `curves`. Throws Error for several tasks in one fit, an unknown
/// baseline, losses not above the offset, a target beyond ten times the largest compute, and when
/// no structure has two usable points.
Ranking rank_structures(std::span<const Curve> curves, const RankingOptions& options = {});

/// The same of fits made before, for one target compute after another.
Ranking rank_fits(const RankingFits& fits, std::optional<double> target_compute = {});

/// The verdicts that rest on an interval, one line each: "low-rank:1/4: needs 1.6x [1.4, 1.9] of
/// dense's compute at 3e12 FLOPs".
std::vector<std::string> verdict_lines(const Ranking& ranking);

/// What else a reader should know, one line each: the shared irreducible loss, how intervals were
/// made, whether one target is all that was tried, how the order compares with that of one scale.
std::vector<std::string> note_lines(const Ranking& ranking);

/// Replicates' scores at the target: log predicted loss, or what `rank_by` says; lower is better.
double score_of(const FitSample& sample, std::size_t structure, RankBy rank_by, double compute);

}  // namespace einsearch
