#include "fit/power_law.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "fit/line.h"

namespace einsearch {

double PowerLaw::decades() const { return std::log10(max_compute / min_compute); }

double PowerLaw::loss_without_edge(double compute) const {
  return offset + prefactor * std::pow(compute / reference_compute, -exponent);
}

double PowerLaw::compute_without_edge(double loss) const {
  if (loss <= offset) return kInfinity;
  return reference_compute * std::pow((loss - offset) / prefactor, -1 / exponent);
}

double PowerLaw::loss(double compute) const {
  if (edge_shift == 0 || compute <= max_compute) return loss_without_edge(compute);
  const double part = std::log(compute / max_compute) / std::log(edge_compute / max_compute);
  return loss_without_edge(compute) * std::exp(std::min(part, 1.0) * edge_shift);
}

double PowerLaw::compute(double loss) const {
  if (edge_shift == 0 || loss >= this->loss(max_compute)) return compute_without_edge(loss);
  const double beyond = compute_without_edge(loss * std::exp(-edge_shift));
  if (beyond >= edge_compute) return beyond;
  // In between, by bisection of log compute.
  constexpr int kHalvings = 60;
  double low = max_compute, high = edge_compute;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = std::sqrt(low * high);
    (this->loss(middle) > loss ? low : high) = middle;
  }
  return std::sqrt(low * high);
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
