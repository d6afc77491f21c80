#include "fit/surrogate.h"

#include <Eigen/Dense>
#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "structure/taxonomy.h"

namespace einsearch {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

template <std::size_t kSize>
double squared_distance(const std::array<double, kSize>& a, const std::array<double, kSize>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < kSize; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

}  // namespace

/// Where a structure lies, in either order of its factors.
struct Surrogate::Place {
  explicit Place(const Theta& theta)
      : exponents(theta.exponents()), exchanged(exchange_factors(theta).exponents()) {
    const Taxonomy t = taxonomy(theta);
    taxon = {t.omega, t.psi, t.nu};
  }

  std::array<double, 7> exponents, exchanged;
  std::array<double, 3> taxon;  // the same in either order
};

struct Surrogate::Kernel {
  double exponent_length = 1, taxon_length = 1;

  double operator()(const Place& a, const Place& b) const {
    const double taxon = squared_distance(a.taxon, b.taxon) / (taxon_length * taxon_length);
    const auto one_way = [&](const std::array<double, 7>& other) {
      const double exponents =
          squared_distance(a.exponents, other) / (exponent_length * exponent_length);
      return std::exp(-0.5 * (exponents + taxon));
    };
    return 0.5 * (one_way(b.exponents) + one_way(b.exchanged));
  }
};

struct Surrogate::Process {
  std::vector<Place> places;
  VectorXd values, errors;  // variances of errors
  Kernel kernel;
  double variance = 1;  // of the process
  double residual = 0;  // variance that no place explains
  double mean = 0;
  double log_likelihood = -kInfinity;
  Eigen::LLT<MatrixXd> factor;
  VectorXd weights;  // K^-1 (values - mean)

  void add(const SurrogatePoint& point) {
    places.emplace_back(point.theta);
    const auto n = static_cast<Eigen::Index>(places.size());
    values.conservativeResize(n);
    errors.conservativeResize(n);
    values(n - 1) = point.value;
    errors(n - 1) = point.deviation * point.deviation;
  }

  MatrixXd correlations() const {
    const auto n = static_cast<Eigen::Index>(places.size());
    MatrixXd all(n, n);
    for (Eigen::Index i = 0; i < n; ++i) {
      for (Eigen::Index j = 0; j <= i; ++j) {
        all(i, j) = all(j, i) =
            kernel(places[static_cast<std::size_t>(i)], places[static_cast<std::size_t>(j)]);
      }
    }
    return all;
  }

  /// Factors the covariance and finds the mean by generalised least squares. False: singular.
  bool solve(const MatrixXd& correlation) {
    constexpr double kJitter = 1e-10;
    MatrixXd covariance = variance * correlation;
    covariance.diagonal().array() += residual + kJitter * variance + errors.array();
    factor.compute(covariance);
    if (factor.info() != Eigen::Success) return false;
    const VectorXd ones = VectorXd::Ones(values.size()), solved = factor.solve(ones);
    mean = solved.dot(values) / solved.sum();
    const VectorXd rest = values - mean * ones;
    weights = factor.solve(rest);
    const double log_determinant = 2 * factor.matrixLLT().diagonal().array().log().sum();
    log_likelihood = -0.5 * (rest.dot(weights) + log_determinant +
                             static_cast<double>(values.size()) * std::log(2 * std::numbers::pi));
    return true;
  }

  double spread() const { return std::sqrt((values.array() - values.mean()).square().mean()); }
};

Surrogate::Surrogate(std::unique_ptr<Process> process) : process_(std::move(process)) {}
Surrogate::~Surrogate() = default;
Surrogate::Surrogate(Surrogate&&) noexcept = default;
Surrogate& Surrogate::operator=(Surrogate&&) noexcept = default;

Surrogate::Surrogate(std::span<const SurrogatePoint> points) {
  if (points.size() < kFewest) {
    throw Error(
        "too few structures for a surrogate",
        {.expected = "at least " + std::to_string(kFewest), .got = std::to_string(points.size())});
  }
  Process trial;
  for (const SurrogatePoint& point : points) {
    if (!std::isfinite(point.value) || !std::isfinite(point.deviation))
      throw Error("a value of the surrogate is not finite");
    trial.add(point);
  }
  const double spread = std::max(trial.spread() * trial.spread(), 1e-12);
  for (const double exponent_length : {0.2, 0.4, 0.8, 1.6}) {
    for (const double taxon_length : {0.15, 0.3, 0.6, 1.2, 2.4}) {
      trial.kernel = {exponent_length, taxon_length};
      const MatrixXd correlation = trial.correlations();
      for (const double scale : {0.5, 1.0, 2.0, 4.0}) {
        for (const double residual : {0.0, 0.03, 0.1, 0.3, 1.0}) {
          trial.variance = scale * spread;
          trial.residual = residual * spread;
          if (!trial.solve(correlation)) continue;
          if (process_ == nullptr || trial.log_likelihood > process_->log_likelihood)
            process_ = std::make_unique<Process>(trial);
        }
      }
    }
  }
  if (process_ == nullptr) throw Error("no surrogate fits these values");
}

Surrogate::Guess Surrogate::at(const Theta& theta) const {
  const Process& p = *process_;
  const Place place(theta);
  VectorXd k(p.values.size());
  for (Eigen::Index i = 0; i < k.size(); ++i)
    k(i) = p.variance * p.kernel(place, p.places[static_cast<std::size_t>(i)]);
  const double own = p.variance * p.kernel(place, place) + p.residual;
  const double known = k.dot(p.factor.solve(k));
  return {p.mean + k.dot(p.weights), std::sqrt(std::max(0.0, own - known))};
}

double Surrogate::nearness(const Theta& a, const Theta& b) const {
  return process_->kernel(Place(a), Place(b));
}

Surrogate Surrogate::with(const SurrogatePoint& point) const {
  auto process = std::make_unique<Process>(*process_);
  process->add(point);
  if (!process->solve(process->correlations()))
    throw Error("a value of the surrogate is there already");
  return Surrogate(std::move(process));
}

double Surrogate::leave_one_out_error() const {
  const Eigen::Index n = process_->values.size();
  const MatrixXd inverse = process_->factor.solve(MatrixXd::Identity(n, n));
  return std::sqrt((process_->weights.array() / inverse.diagonal().array()).square().mean());
}

double Surrogate::spread() const { return process_->spread(); }

double expected_improvement(const Surrogate::Guess& guess, double best) {
  const double above = guess.mean - best;
  if (guess.deviation <= 0) return std::max(0.0, above);
  const double z = above / guess.deviation;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  return above * 0.5 * std::erfc(-z / std::numbers::sqrt2) + guess.deviation * density;
}

}  // namespace einsearch
