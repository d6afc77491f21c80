// The jackknife over runs: how much an estimate moves when one run is left out.
//
// Neighbouring points of an envelope come from the same run, so errors by least squares shrink with
// the number of budgets and mean nothing; runs are what is independent. With estimates t_i, each
// made without run i of n, and their mean m:
//   variance = (n - 1) / n  sum_i (t_i - m)^2
// (Tukey 1958; Efron & Tibshirani 1993, section 11). Intervals are t +- q sqrt(variance) with q the
// Student quantile for n - 1 degrees of freedom.
#pragma once

#include <span>

#include "base/types.h"
#include "fit/estimate.h"

namespace einsearch {

/// A variance and how many degrees of freedom its own estimate has.
struct Variance {
  double value = 0;
  double degrees_of_freedom = 0;
};

/// From estimates made without one run each; nan where there are fewer than two.
Variance jackknife_variance(std::span<const double> replicates);

/// Variance of a difference of independent estimates; degrees of freedom by Welch-Satterthwaite.
Variance sum_of(const Variance& a, const Variance& b);

/// value +- q sqrt(variance), q for 95 %.
Estimate with_interval(double value, const Variance& variance);

/// The same for a value whose logarithm has that variance.
Estimate with_log_interval(double value, const Variance& log_variance);

/// P(T <= t) for Student's t with `degrees_of_freedom` > 0, by the continued fraction of the
/// incomplete beta function (DLMF 8.17.22); absolute error below 1e-12.
double student_t_probability(double t, double degrees_of_freedom);

/// The t with P(T <= t) = p, 0 < p < 1; relative error below 1e-10.
double student_t_quantile(double p, double degrees_of_freedom);

/// P(F >= f) for Fisher's F with these degrees of freedom, both > 0, f >= 0.
double f_tail_probability(double f, double numerator_degrees, double denominator_degrees);

}  // namespace einsearch
