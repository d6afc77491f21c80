// The jackknife over runs: how much an estimate moves when one run is left out.
//
// Neighbouring points of an envelope come from the same run, so errors by least squares shrink with
// the number of budgets and mean nothing; runs are what is independent. With estimates t_i, each
// made without run i of n, and their mean m:
//   variance = (n - 1) / n  sum_i (t_i - m)^2
// (Tukey 1958; Efron & Tibshirani 1993, section 11). And the distributions of Student and Fisher.
#pragma once

#include <span>

#include "base/types.h"
#include "fit/estimate.h"

namespace einsearch {

/// From estimates made without one run each; nan where there are fewer than two.
double jackknife_variance(std::span<const double> replicates);

/// value +- q standard_error with q the Student quantiles for 95 and 80 %; no interval without
/// degrees of freedom.
Estimate with_student_interval(double value, double standard_error, double degrees_of_freedom);

/// P(T <= t) for Student's t with `degrees_of_freedom` > 0, by the continued fraction of the
/// incomplete beta function (DLMF 8.17.22); absolute error below 1e-12.
double student_t_probability(double t, double degrees_of_freedom);

/// The t with P(T <= t) = p, 0 < p < 1; relative error below 1e-10.
double student_t_quantile(double p, double degrees_of_freedom);

/// P(F >= f) for Fisher's F with these degrees of freedom, both > 0, f >= 0.
double f_tail_probability(double f, double numerator_degrees, double denominator_degrees);

}  // namespace einsearch
