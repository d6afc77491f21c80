#include "fit/line.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace einsearch {
namespace {

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

LineFit fit_line(std::span<const double> x, std::span<const double> y) {
  assert(x.size() == y.size() && x.size() >= 2);
  const double n = static_cast<double>(x.size());
  const double mean_x = mean(x);
  const double mean_y = mean(y);
  double sxx = 0;
  double sxy = 0;
  double syy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sxx += (x[i] - mean_x) * (x[i] - mean_x);
    sxy += (x[i] - mean_x) * (y[i] - mean_y);
    syy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  LineFit fit;
  fit.n = static_cast<Index>(x.size());
  fit.slope = sxy / sxx;
  fit.intercept = mean_y - fit.slope * mean_x;
  fit.r_squared = syy > 0 ? std::min(1.0, sxy * sxy / (sxx * syy)) : 0;
  if (x.size() > 2) {
    fit.slope_stderr = std::sqrt((1 - fit.r_squared) * syy / sxx / (n - 2));
    fit.intercept_stderr = fit.slope_stderr * std::sqrt(sxx / n + mean_x * mean_x);
  }
  return fit;
}

}  // namespace einsearch
