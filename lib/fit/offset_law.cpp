// Apart from the rest of the hull frontier: Eigen's optimiser takes seconds to compile.
#include <algorithm>
#include <cassert>
#include <cmath>

#include <Eigen/Core>
#include <unsupported/Eigen/NonLinearOptimization>
#include <unsupported/Eigen/NumericalDiff>

#include "fit/hull_frontier.h"

namespace einsearch {
namespace {

/// Residuals of y = a + b x^-c with parameters (a, b, c).
struct OffsetResiduals {
  using Scalar = double;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };
  using InputType = Eigen::VectorXd;
  using ValueType = Eigen::VectorXd;
  using JacobianType = Eigen::MatrixXd;

  Eigen::VectorXd x;
  Eigen::VectorXd y;

  int inputs() const { return 3; }
  int values() const { return static_cast<int>(x.size()); }
  int operator()(const Eigen::VectorXd& p, Eigen::VectorXd& residuals) const {
    residuals = p[0] + p[1] * x.array().pow(-p[2]) - y.array();
    return 0;
  }
};

}  // namespace

OffsetLaw fit_offset_law(const PointTable& table, std::span<const Index> rows) {
  OffsetLaw law;
  const auto n = static_cast<Eigen::Index>(rows.size());
  if (n < 3) return law;
  OffsetResiduals residuals{Eigen::VectorXd(n), Eigen::VectorXd(n)};
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(rows[static_cast<std::size_t>(i)]);
    residuals.x[i] = table.compute[row];
    residuals.y[i] = table.loss[row];
  }
  const double max_x = residuals.x.maxCoeff();
  const double max_y = residuals.y.maxCoeff();
  residuals.x /= max_x;
  residuals.y /= max_y;

  Eigen::NumericalDiff<OffsetResiduals> problem(residuals);
  Eigen::LevenbergMarquardt<Eigen::NumericalDiff<OffsetResiduals>> optimiser(problem);
  optimiser.parameters.ftol = 1.49012e-8;
  optimiser.parameters.xtol = 1.49012e-8;
  optimiser.parameters.gtol = 0;
  optimiser.parameters.maxfev = 200 * (3 + 1);
  optimiser.parameters.factor = 100;
  Eigen::VectorXd p = Eigen::VectorXd::Ones(3);
  const auto status = optimiser.minimize(p);
  law.is_converged = status >= Eigen::LevenbergMarquardtSpace::RelativeReductionTooSmall &&
                     status <= Eigen::LevenbergMarquardtSpace::CosinusTooSmall && p.allFinite();
  law.a = p[0] * max_y;
  law.b = p[1] * max_y * std::pow(max_x, p[2]);
  law.c = p[2];
  return law;
}

}  // namespace einsearch
