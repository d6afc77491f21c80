#include "fit/taxonomy_effect.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/error.h"
#include "fit/jackknife.h"

namespace einsearch {
namespace {

constexpr double kSame = 1e-9;  // numbers of the taxonomy closer than this are equal

using Numbers = std::array<double, 3>;

Numbers numbers_of(const Taxonomy& taxonomy) { return {taxonomy.omega, taxonomy.psi, taxonomy.nu}; }

/// The constant and those numbers that vary beyond what the ones before them determine.
std::vector<Eigen::Index> independent_terms(const Eigen::MatrixXd& design) {
  std::vector<Eigen::Index> kept;
  for (Eigen::Index term = 0; term < design.cols(); ++term) {
    Eigen::VectorXd rest = design.col(term);
    if (!kept.empty()) {
      Eigen::MatrixXd before(design.rows(), static_cast<Eigen::Index>(kept.size()));
      for (std::size_t i = 0; i < kept.size(); ++i) {
        before.col(static_cast<Eigen::Index>(i)) = design.col(kept[i]);
      }
      rest -= before * before.colPivHouseholderQr().solve(rest);
    }
    if (rest.norm() > 1e-6 * std::sqrt(static_cast<double>(design.rows()))) kept.push_back(term);
  }
  return kept;
}

/// Squares about the means of structures with equal numbers, and their degrees of freedom.
struct PureError {
  double squares = 0;
  Count degrees = 0;
  Count n_repeated = 0;
};

PureError pure_error(std::span<const TaxonomyPoint> points) {
  std::vector<std::pair<Numbers, std::vector<double>>> groups;
  for (const TaxonomyPoint& point : points) {
    const Numbers numbers = numbers_of(point.taxonomy);
    const auto group = std::find_if(groups.begin(), groups.end(), [&numbers](const auto& other) {
      return std::equal(
          numbers.begin(), numbers.end(), other.first.begin(), [](double a, double b) {
            return std::abs(a - b) < kSame;
          });
    });
    if (group == groups.end()) {
      groups.push_back({numbers, {point.log_multiplier}});
    } else {
      group->second.push_back(point.log_multiplier);
    }
  }
  PureError error;
  for (const auto& [numbers, values] : groups) {
    const auto n = static_cast<Count>(values.size());
    if (n < 2) continue;
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(n);
    for (const double value : values) error.squares += (value - mean) * (value - mean);
    error.degrees += n - 1;
    error.n_repeated += n;
  }
  return error;
}

}  // namespace

TaxonomyEffect explain_by_taxonomy(std::span<const TaxonomyPoint> points) {
  const auto n = static_cast<Eigen::Index>(points.size());
  if (n < 3) {
    throw Error("too few structures to explain",
                {.where = "--explain",
                 .expected = "at least 3 with a theta and a multiplier",
                 .got = std::to_string(n)});
  }
  TaxonomyEffect effect{.terms = {"constant", "omega", "psi", "nu"}};
  Eigen::MatrixXd design(n, 4);
  Eigen::VectorXd y(n);
  double noise = 0;
  for (Eigen::Index i = 0; i < n; ++i) {
    const TaxonomyPoint& point = points[static_cast<std::size_t>(i)];
    design.row(i) << 1, point.taxonomy.omega, point.taxonomy.psi, point.taxonomy.nu;
    y[i] = point.log_multiplier;
    noise += point.standard_error * point.standard_error / static_cast<double>(n);
  }
  const std::vector<Eigen::Index> kept = independent_terms(design);
  const auto p = static_cast<Eigen::Index>(kept.size());
  Eigen::MatrixXd used(n, p);
  for (Eigen::Index i = 0; i < p; ++i) used.col(i) = design.col(kept[static_cast<std::size_t>(i)]);
  const Eigen::VectorXd solution = used.colPivHouseholderQr().solve(y);
  const double residual_squares = (y - used * solution).squaredNorm();
  const double total_squares = (y.array() - y.mean()).square().sum();
  const auto degrees = static_cast<double>(n - p);
  const Eigen::MatrixXd inverse = (used.transpose() * used).inverse();

  effect.coefficients.resize(effect.terms.size());
  for (Eigen::Index i = 0; i < p; ++i) {
    const double error =
        degrees > 0 ? std::sqrt(residual_squares / degrees * inverse(i, i)) : kMissing;
    effect.coefficients[static_cast<std::size_t>(kept[static_cast<std::size_t>(i)])] =
        with_student_interval(solution[i], error, degrees);
  }
  effect.n_structures = n;
  effect.n_parameters = p;
  effect.noise_deviation = std::sqrt(noise);
  if (total_squares > 0) effect.r_squared = 1 - residual_squares / total_squares;
  if (degrees > 0) {
    effect.residual_deviation = std::sqrt(residual_squares / degrees);
    effect.adjusted_r_squared = 1 - (1 - effect.r_squared) * static_cast<double>(n - 1) / degrees;
  }
  const PureError pure = pure_error(points);
  effect.n_repeated = pure.n_repeated;
  effect.pure_degrees = pure.degrees;
  effect.lack_degrees = n - p - pure.degrees;
  if (pure.degrees == 0) return effect;
  const auto pure_degrees = static_cast<double>(pure.degrees);
  effect.pure_deviation = std::sqrt(pure.squares / pure_degrees);
  if (effect.lack_degrees < 1 || !(pure.squares > 0)) return effect;
  const auto lack_degrees = static_cast<double>(effect.lack_degrees);
  effect.lack_of_fit_f =
      std::max(0.0, residual_squares - pure.squares) / lack_degrees / (pure.squares / pure_degrees);
  effect.lack_of_fit_p = f_tail_probability(effect.lack_of_fit_f, lack_degrees, pure_degrees);
  return effect;
}

std::vector<TaxonomyPoint> taxonomy_points(const Ranking& ranking) {
  std::vector<TaxonomyPoint> points;
  for (const RankedStructure& row : ranking.rows) {
    if (!row.taxonomy || !std::isfinite(row.multiplier.value)) continue;
    points.push_back({*row.taxonomy,
                      std::log(row.multiplier.value),
                      row.multiplier.standard_error / row.multiplier.value});
  }
  return points;
}

std::string describe_effect(const TaxonomyEffect& effect) {
  std::string text = fmt::format(
      "omega, psi and nu explain {:.0f} % of the variance of log "
      "multiplier over {} structures (adjusted: {:.0f} %)",
      100 * effect.r_squared,
      effect.n_structures,
      100 * std::max(0.0, effect.adjusted_r_squared));
  if (std::isnan(effect.lack_of_fit_p)) {
    return text + (effect.pure_degrees == 0
                       ? "; no two structures share the three numbers, so whether these suffice "
                         "cannot be tested"
                       : "; too few structures to test whether the three numbers suffice");
  }
  constexpr double kLevel = 0.05;
  text += fmt::format("; lack of fit F({}, {}) = {:.3g}, p = {:.2g}: ",
                      effect.lack_degrees,
                      effect.pure_degrees,
                      effect.lack_of_fit_f,
                      effect.lack_of_fit_p);
  return text + (effect.lack_of_fit_p < kLevel ? "they do not suffice as a straight line"
                                               : "nothing says that they do not suffice");
}

}  // namespace einsearch
