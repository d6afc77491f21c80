#include "fit/jackknife.h"

#include <cassert>
#include <cmath>

namespace einsearch {
namespace {

constexpr double kUpper95 = 0.975;
constexpr double kUpper80 = 0.9;

/// Continued fraction of the incomplete beta function by Lentz's method, DLMF 8.17.22.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMostTerms = 10000;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  if (std::abs(d) < kTiny) d = kTiny;
  d = 1 / d;
  double fraction = d;
  for (int m = 1; m <= kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double change = 1;
    for (const double term : {even, odd}) {
      d = 1 + term * d;
      if (std::abs(d) < kTiny) d = kTiny;
      c = 1 + term / c;
      if (std::abs(c) < kTiny) c = kTiny;
      d = 1 / d;
      change = d * c;
      fraction *= change;
    }
    if (std::abs(change - 1) < 1e-16) break;
  }
  return fraction;
}

/// Regularised incomplete beta function I_x(a, b).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double log_factor =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  // The fraction converges fast below the mean of the distribution; above it, by symmetry.
  if (x < (a + 1) / (a + b + 2)) return std::exp(log_factor) * beta_fraction(a, b, x) / a;
  return 1 - std::exp(log_factor) * beta_fraction(b, a, 1 - x) / b;
}

}  // namespace

double student_t_probability(double t, double degrees_of_freedom) {
  assert(degrees_of_freedom > 0);
  const double x = degrees_of_freedom / (degrees_of_freedom + t * t);
  const double tail = incomplete_beta(degrees_of_freedom / 2, 0.5, x) / 2;
  return t < 0 ? tail : 1 - tail;
}

double student_t_quantile(double p, double degrees_of_freedom) {
  assert(p > 0 && p < 1);
  if (p < 0.5) return -student_t_quantile(1 - p, degrees_of_freedom);
  double low = 0;
  double high = 1;
  while (student_t_probability(high, degrees_of_freedom) < p && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-12 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (student_t_probability(middle, degrees_of_freedom) < p ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

double jackknife_variance(std::span<const double> replicates) {
  if (replicates.size() < 2) return kMissing;
  const double n = static_cast<double>(replicates.size());
  double mean = 0;
  for (const double value : replicates) mean += value / n;
  double sum = 0;
  for (const double value : replicates) sum += (value - mean) * (value - mean);
  return (n - 1) / n * sum;
}

Estimate with_student_interval(double value, double standard_error, double degrees_of_freedom) {
  Estimate estimate{.value = value};
  if (degrees_of_freedom < 1 || !std::isfinite(standard_error)) return estimate;
  estimate.standard_error = standard_error;
  const double wide = student_t_quantile(kUpper95, degrees_of_freedom);
  const double narrow = student_t_quantile(kUpper80, degrees_of_freedom);
  estimate.low = value - wide * standard_error;
  estimate.high = value + wide * standard_error;
  estimate.low_80 = value - narrow * standard_error;
  estimate.high_80 = value + narrow * standard_error;
  return estimate;
}

double f_tail_probability(double f, double numerator_degrees, double denominator_degrees) {
  const double x = denominator_degrees / (denominator_degrees + numerator_degrees * f);
  return incomplete_beta(denominator_degrees / 2, numerator_degrees / 2, x);
}

}  // namespace einsearch
