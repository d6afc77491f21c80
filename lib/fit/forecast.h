// Forecasts that can be scored: what the laws say of losses that nobody has measured yet, sealed
// with the digest of the data that they rest on, and how they fared once the runs were made.
//
// A measured loss scatters about the law as runs do, so the intervals of a forecast are those of a
// measured loss: the law's own error and the runs' scatter added in squares.
//
// Scores. Losses: the log density of a normal in log loss, with the forecast's standard deviation;
// intervals: the share that contains what was measured; pairs: how many were put in the right
// order, and the mean log of the probability given to the order that came (log 1/2 = -0.69 is what
// a coin earns).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "fit/estimate.h"
#include "fit/ranking.h"

namespace einsearch {

struct StructureForecast {
  std::string structure;
  Estimate predicted_loss;          ///< of a measured loss at the target compute
  Estimate law_loss;                ///< of the law there: without the runs' scatter
  double log_deviation = kMissing;  ///< standard deviation of log measured loss
  Estimate multiplier;              ///< over the baseline
  Estimate exponent;
  double extrapolated_by = kMissing;
  double leave_largest_out_error = kMissing;
  FitStatus status = FitStatus::too_few_points;
};

/// `probability` that a measured loss of `better` lies below one of `worse`: at least one half.
struct PairForecast {
  std::string better, worse;
  double probability = 0.5;
};

struct Forecast {
  std::string version;      ///< of einsearch
  std::string data_digest;  ///< of the curves (digest_of)
  Count n_curves = 0;
  double target_compute = kMissing;
  std::string baseline;
  std::string irreducible;
  Count n_replicates = 0;
  std::vector<StructureForecast> structures;
  std::vector<PairForecast> pairs;
};

/// Of every structure with a law and an interval; version, digest and number of curves are left to
/// the caller. Throws Error where there is none.
Forecast make_forecast(const Ranking& ranking);

struct StructureScore {
  std::string structure;
  Estimate predicted;
  double observed_loss = kMissing;  ///< missing: no run reaches the target compute
  double log_error = kMissing;      ///< log observed - log predicted
  double z = kMissing;              ///< in standard deviations
  bool is_inside_95 = false;
  bool is_inside_80 = false;
  double log_score = kMissing;

  bool is_scored() const { return observed_loss == observed_loss; }
};

struct ForecastScore {
  double target_compute = kMissing;
  std::vector<StructureScore> rows;
  Count n_scored = 0;
  double coverage_95 = kMissing;
  double coverage_80 = kMissing;
  double mean_log_score = kMissing;
  Count n_pairs = 0;
  Count n_pairs_right = 0;
  double pair_log_score = kMissing;
  double tau = kMissing;  ///< Kendall's, of predicted and observed losses
};

/// Compares with curves made since. The observed loss is the lowest of the structure's runs at the
/// target compute, interpolated as in an envelope; of end points, those within 5 % of the target,
/// the mean of a width's seeds. Throws Error where nothing can be scored.
ForecastScore score_forecast(const Forecast& forecast, std::span<const Curve> curves);

/// Digest of everything in the curves that a fit reads; it does not depend on the order of rows.
std::string digest_of(std::span<const Curve> curves);

/// How a forecast fared, in one line.
std::string describe_score(const ForecastScore& score);

}  // namespace einsearch
