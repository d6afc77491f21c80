#include "fit/power_law.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fit/line.h"

namespace einsearch {

double PowerLaw::decades() const { return std::log10(max_compute / min_compute); }

double PowerLaw::loss(double compute) const {
  return offset + prefactor * std::pow(compute / reference_compute, -exponent);
}

double PowerLaw::compute(double loss) const {
  if (loss <= offset) return std::numeric_limits<double>::infinity();
  return reference_compute * std::pow((loss - offset) / prefactor, -1 / exponent);
}

PowerLaw fit_power_law(const Frontier& frontier, double offset) {
  PowerLaw law;
  law.offset = offset;
  law.n_points = static_cast<Count>(frontier.points.size());
  std::vector<double> x;
  std::vector<double> y;
  double mean_x = 0;
  for (const FrontierPoint& point : frontier.points) {
    x.push_back(std::log(point.compute));
    y.push_back(std::log(point.loss - offset));
    mean_x += x.back() / static_cast<double>(frontier.points.size());
  }
  if (x.empty()) return law;
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  const auto at = [&x, &frontier](auto place) {
    return frontier.points[static_cast<std::size_t>(place - x.begin())].compute;
  };
  law.min_compute = at(low);
  law.max_compute = at(high);
  if (!(*high > *low)) return law;

  for (double& value : x) value -= mean_x;
  const LineFit line = fit_line(x, y);
  law.reference_compute = std::exp(mean_x);
  law.exponent = -line.slope;
  law.prefactor = std::exp(line.intercept);
  law.exponent_stderr = line.slope_stderr;
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double residual = y[i] - line.intercept - line.slope * x[i];
    sum += residual * residual;
  }
  law.rms_residual = std::sqrt(sum / static_cast<double>(x.size()));
  law.status = law.exponent > 0 ? FitStatus::converged : FitStatus::not_falling;
  if (law.status == FitStatus::converged && frontier.n_widths < 3) {
    law.status = FitStatus::few_widths;
  }
  return law;
}

}  // namespace einsearch
