#include "fit/surface_law.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <unsupported/Eigen/NonLinearOptimization>

#include "base/random.h"
#include "fit/huber.h"

namespace einsearch {
namespace {

constexpr double kAgreement = 1e-9;  // of the objectives of two starts, relative
constexpr int kGrid = 16;            // exponents tried, in each direction
constexpr double kLeastExponent = 0.03;
constexpr double kMostExponent = 2;
constexpr int kReweightings = 12;
constexpr int kStarts = 4;
// More points than this are thinned where a part of them will do: to rank starts, and to find the
// law that all of them then polish; of so many, replicates draw a part only.
constexpr std::size_t kStartingPoints = 2000;
constexpr std::size_t kThinned = 20000;
constexpr double kReplicatePoints = 2000;
// Objectives below this part of the points' number are rounding errors of an exact fit.
constexpr double kExact = 1e-22;

/// Points in centred logarithms; losses in units of their geometric mean.
struct Problem {
  Eigen::ArrayXd u, v, loss, log_loss;
  double mean_u = 0, mean_v = 0, scale = 1;
  SurfaceOptions options;
  double delta = 1e-3;

  Index size() const { return u.size(); }
};

/// The law in the units of a Problem: e + a exp(-alpha u) + b exp(-beta v).
struct Scaled {
  double e = 0, a = 0, b = 0, alpha = 0, beta = 0;
  double objective = kInfinity;
  bool is_converged = false;
};

Problem make_problem(std::span<const SurfacePoint> points, const SurfaceOptions& options) {
  Problem problem;
  const auto n = static_cast<Index>(points.size());
  problem.options = options;
  problem.delta = options.huber_delta;
  problem.u.resize(n);
  problem.v.resize(n);
  problem.log_loss.resize(n);
  for (Index i = 0; i < n; ++i) {
    const SurfacePoint& point = points[static_cast<std::size_t>(i)];
    problem.u[i] = std::log(point.n);
    problem.v[i] = std::log(point.d);
    problem.log_loss[i] = std::log(point.loss);
  }
  problem.mean_u = problem.u.mean();
  problem.mean_v = problem.v.mean();
  problem.u -= problem.mean_u;
  problem.v -= problem.mean_v;
  const double mean_log = problem.log_loss.mean();
  problem.scale = std::exp(mean_log);
  problem.log_loss -= mean_log;
  problem.loss = problem.log_loss.exp();
  return problem;
}

bool is_log(const Problem& problem) {
  return problem.options.objective == SurfaceObjective::log_huber;
}

/// Objective of predictions in scaled units.
double objective_of(const Problem& problem, const Eigen::ArrayXd& predicted) {
  double sum = 0;
  for (Index i = 0; i < problem.size(); ++i) {
    if (is_log(problem)) {
      sum += huber(std::log(predicted[i]) - problem.log_loss[i], problem.delta);
    } else {
      const double residual = predicted[i] - problem.loss[i];
      sum += residual * residual;
    }
  }
  return sum;
}

/// min |A x - y|^2 with x >= 0 for three unknowns, given A^T A and A^T y: the best feasible of the
/// seven sets of free unknowns.
Eigen::Vector3d non_negative(const Eigen::Matrix3d& gram, const Eigen::Vector3d& moment) {
  Eigen::Vector3d best = Eigen::Vector3d::Zero();
  double least = 0;  // x^T gram x - 2 x^T moment
  for (int set = 1; set < 8; ++set) {
    std::array<int, 3> free{};
    int n = 0;
    for (int i = 0; i < 3; ++i) {
      if ((set >> i) & 1) free[static_cast<std::size_t>(n++)] = i;
    }
    Eigen::MatrixXd part(n, n);
    Eigen::VectorXd right(n);
    for (int i = 0; i < n; ++i) {
      const int row = free[static_cast<std::size_t>(i)];
      right[i] = moment[row];
      for (int j = 0; j < n; ++j) part(i, j) = gram(row, free[static_cast<std::size_t>(j)]);
    }
    const Eigen::VectorXd solution = part.ldlt().solve(right);
    if (!solution.allFinite() || solution.minCoeff() < 0) continue;
    Eigen::Vector3d x = Eigen::Vector3d::Zero();
    for (int i = 0; i < n; ++i) x[free[static_cast<std::size_t>(i)]] = solution[i];
    const double value = x.dot(gram * x) - 2 * x.dot(moment);
    if (value < least) {
      least = value;
      best = x;
    }
  }
  return best;
}

/// Variable projection: the best (e, a, b) for given exponents. Relative residuals stand for
/// logarithmic ones here; the polish corrects that.
Scaled project(const Problem& problem, double alpha, double beta) {
  const Eigen::ArrayXd x = (-alpha * problem.u).exp();
  const Eigen::ArrayXd y = (-beta * problem.v).exp();
  Eigen::ArrayXd weight = Eigen::ArrayXd::Ones(problem.size());
  if (is_log(problem)) weight = problem.loss.square().inverse();
  const Eigen::ArrayXd base = weight;
  Scaled best{.alpha = alpha, .beta = beta};
  for (int round = 0; round < kReweightings; ++round) {
    Eigen::Matrix3d gram;
    const double wx = (weight * x).sum(), wy = (weight * y).sum(), wxy = (weight * x * y).sum();
    gram << weight.sum(), wx, wy, wx, (weight * x * x).sum(), wxy, wy, wxy, (weight * y * y).sum();
    const Eigen::ArrayXd target = weight * problem.loss;
    const Eigen::Vector3d moment(target.sum(), (target * x).sum(), (target * y).sum());
    const Eigen::Vector3d solution = non_negative(gram, moment);
    const Eigen::ArrayXd predicted = solution[0] + solution[1] * x + solution[2] * y;
    const double objective = objective_of(problem, predicted);
    if (objective < best.objective) {
      best.e = solution[0];
      best.a = solution[1];
      best.b = solution[2];
      best.objective = objective;
    }
    if (!is_log(problem)) break;
    for (Index i = 0; i < problem.size(); ++i) {
      const double residual = predicted[i] / problem.loss[i] - 1;
      weight[i] = base[i] * huber_weight(residual, problem.delta);
    }
  }
  return best;
}

/// Residuals whose squares sum to the objective, twice for Huber's: sign(r) sqrt(2 rho(r)).
/// Parameters: log a, log b, alpha, beta and, unless e is held at 0, log e.
struct Residuals {
  using Scalar = double;
  using Index = Eigen::Index;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };
  using InputType = Eigen::VectorXd;
  using ValueType = Eigen::VectorXd;
  using JacobianType = Eigen::MatrixXd;

  const Problem* problem;
  bool has_offset;

  int inputs() const { return has_offset ? 5 : 4; }
  int values() const { return static_cast<int>(problem->size()); }

  double row(const Eigen::VectorXd& p, Index i, Eigen::VectorXd* slope) const {
    const double first = std::exp(p[0] - p[2] * problem->u[i]);
    const double second = std::exp(p[1] - p[3] * problem->v[i]);
    const double e = has_offset ? std::exp(p[4]) : 0;
    const double predicted = e + first + second;
    double value = predicted - problem->loss[i];
    double factor = 1;
    if (is_log(*problem)) {
      const double residual = std::log(predicted) - problem->log_loss[i];
      value = std::copysign(std::sqrt(2 * huber(residual, problem->delta)), residual);
      const bool is_outside = std::abs(residual) > problem->delta;
      factor = (is_outside ? problem->delta / std::abs(value) : 1) / predicted;
    }
    if (slope != nullptr) {
      (*slope)[0] = first * factor;
      (*slope)[1] = second * factor;
      (*slope)[2] = -problem->u[i] * first * factor;
      (*slope)[3] = -problem->v[i] * second * factor;
      if (has_offset) (*slope)[4] = e * factor;
    }
    return value;
  }

  int operator()(const Eigen::VectorXd& p, Eigen::VectorXd& values_out) const {
    for (Index i = 0; i < problem->size(); ++i) values_out[i] = row(p, i, nullptr);
    return 0;
  }
  int df(const Eigen::VectorXd& p, Eigen::MatrixXd& jacobian) const {
    Eigen::VectorXd slope(inputs());
    for (Index i = 0; i < problem->size(); ++i) {
      row(p, i, &slope);
      jacobian.row(i) = slope;
    }
    return 0;
  }
};

constexpr double kSmall = 1e-6;  // stands for a zero, whose logarithm no step can leave

Eigen::VectorXd parameters_of(const Scaled& law, bool has_offset) {
  Eigen::VectorXd p(has_offset ? 5 : 4);
  p[0] = std::log(std::max(law.a, kSmall));
  p[1] = std::log(std::max(law.b, kSmall));
  p[2] = law.alpha;
  p[3] = law.beta;
  if (has_offset) p[4] = std::log(std::max(law.e, kSmall));
  return p;
}

/// The law of these parameters, with its objective.
Scaled law_of(const Problem& problem, const Eigen::VectorXd& p) {
  Scaled law{.e = p.size() > 4 ? std::exp(p[4]) : 0,
             .a = std::exp(p[0]),
             .b = std::exp(p[1]),
             .alpha = p[2],
             .beta = p[3]};
  const Eigen::ArrayXd predicted =
      law.e + law.a * (-law.alpha * problem.u).exp() + law.b * (-law.beta * problem.v).exp();
  const double objective = objective_of(problem, predicted);
  law.objective = std::isfinite(objective) ? objective : kInfinity;
  return law;
}

Scaled polish(const Problem& problem, const Scaled& start, bool has_offset) {
  Residuals residuals;
  residuals.problem = &problem;
  residuals.has_offset = has_offset;
  Eigen::VectorXd p = parameters_of(start, has_offset);
  bool is_converged = false;
  // The objective has kinks in its second derivative, so a converged step may not be the last one.
  for (int round = 0; round < 20; ++round) {
    Eigen::LevenbergMarquardt<Residuals> solver(residuals);
    solver.parameters.ftol = solver.parameters.xtol = 1e-15;
    solver.parameters.gtol = 0;
    solver.parameters.maxfev = 1000;
    Eigen::VectorXd next = p;
    const auto status = solver.minimize(next);
    if (!next.allFinite()) break;
    const double moved = (next - p).cwiseAbs().maxCoeff();
    p = next;
    is_converged = status != Eigen::LevenbergMarquardtSpace::TooManyFunctionEvaluation;
    if (is_converged && moved < 1e-9) break;
  }
  Scaled law = law_of(problem, p);
  law.is_converged = is_converged;
  return law;
}

/// Sums over all points of what a Gauss-Newton step needs, at parameters p.
struct NormalEquations {
  Eigen::MatrixXd gram;      // J^T J
  Eigen::VectorXd gradient;  // J^T r
  double squares = 0;        // r^T r: twice the objective of Huber

  NormalEquations(const Residuals& residuals, const Eigen::VectorXd& p)
      : gram(Eigen::MatrixXd::Zero(p.size(), p.size())), gradient(Eigen::VectorXd::Zero(p.size())) {
    Eigen::VectorXd slope(p.size());
    for (Index i = 0; i < residuals.problem->size(); ++i) {
      const double value = residuals.row(p, i, &slope);
      for (Index k = 0; k < p.size(); ++k) {
        gradient[k] += slope[k] * value;
        for (Index j = 0; j <= k; ++j) gram(k, j) += slope[k] * slope[j];
      }
      squares += value * value;
    }
    gram = gram.selfadjointView<Eigen::Lower>();
  }
};

/// The same for many points that start next to their optimum: memory does not grow with them.
Scaled polish_many(const Problem& problem, const Scaled& start, bool has_offset) {
  constexpr int kMostSteps = 60;
  constexpr double kDone = 1e-11;  // relative gain of a step that is the last one
  Residuals residuals;
  residuals.problem = &problem;
  residuals.has_offset = has_offset;
  Eigen::VectorXd p = parameters_of(start, has_offset);
  NormalEquations here(residuals, p);
  double damping = 1e-6;
  bool is_converged = false;
  for (int i = 0; i < kMostSteps && !is_converged; ++i) {
    Eigen::MatrixXd damped = here.gram;
    damped.diagonal() *= 1 + damping;
    const Eigen::VectorXd next = p - damped.ldlt().solve(here.gradient);
    const NormalEquations there(residuals, next);
    const double gain = (here.squares - there.squares) / here.squares;
    if (gain > 0) {
      p = next;
      here = there;
      damping = std::max(1e-12, damping / 10);
    } else {
      damping *= 10;
    }
    is_converged = std::abs(gain) < kDone;
  }
  Scaled law = law_of(problem, p);
  law.is_converged = is_converged;
  return law;
}

/// The best projections whose neighbours on the grid are no better, at most kStarts.
std::vector<Scaled> starting_points(const Problem& problem) {
  const auto exponent = [](int i) {
    return kLeastExponent * std::pow(kMostExponent / kLeastExponent, i / (kGrid - 1.0));
  };
  std::vector<Scaled> grid;
  for (int i = 0; i < kGrid; ++i) {
    for (int j = 0; j < kGrid; ++j) grid.push_back(project(problem, exponent(i), exponent(j)));
  }
  std::stable_sort(grid.begin(), grid.end(), [](const Scaled& a, const Scaled& b) {
    return a.objective < b.objective;
  });
  grid.resize(kStarts);
  return grid;
}

double relative_gap(const Problem& problem, double least, double next) {
  if (next < kExact * static_cast<double>(problem.size())) return 0;
  return (next - least) / next;
}

SurfaceLaw in_units(const Problem& problem, const Scaled& scaled) {
  SurfaceLaw law;
  law.irreducible_loss = scaled.e * problem.scale;
  law.alpha = scaled.alpha;
  law.beta = scaled.beta;
  law.a = scaled.a * problem.scale * std::exp(scaled.alpha * problem.mean_u);
  law.b = scaled.b * problem.scale * std::exp(scaled.beta * problem.mean_v);
  law.objective = scaled.objective;
  if (!is_log(problem)) law.objective *= problem.scale * problem.scale;
  law.n_points = problem.size();
  const Eigen::ArrayXd predicted = scaled.e + scaled.a * (-scaled.alpha * problem.u).exp() +
                                   scaled.b * (-scaled.beta * problem.v).exp();
  law.rms_residual = std::sqrt((predicted.log() - problem.log_loss).square().mean());
  law.status = scaled.is_converged ? FitStatus::converged : FitStatus::max_iter;
  return law;
}

/// Three different values of a member?
bool has_three(std::span<const SurfacePoint> points, double SurfacePoint::*member) {
  std::set<double> seen;
  for (const SurfacePoint& point : points) {
    if (seen.insert(point.*member).second && seen.size() == 3) return true;
  }
  return false;
}

bool has_enough(std::span<const SurfacePoint> points) {
  return points.size() >= 6 && has_three(points, &SurfacePoint::n) &&
         has_three(points, &SurfacePoint::d);
}

/// Smallest relative gain of the objective by an irreducible loss that is taken for curvature.
constexpr double kLeastGain = 1e-6;

/// A law in the units of a problem.
Scaled scaled_from(const Problem& problem, const SurfaceLaw& law) {
  return {.e = law.irreducible_loss / problem.scale,
          .a = law.a / problem.scale * std::exp(-law.alpha * problem.mean_u),
          .b = law.b / problem.scale * std::exp(-law.beta * problem.mean_v),
          .alpha = law.alpha,
          .beta = law.beta};
}

/// Every so many-th point, at most `most`.
std::vector<SurfacePoint> thinned(std::span<const SurfacePoint> points, std::size_t most) {
  const std::size_t stride = (points.size() + most - 1) / most;
  std::vector<SurfacePoint> rest;
  for (std::size_t i = 0; i < points.size(); i += stride) rest.push_back(points[i]);
  return rest;
}

/// Where the best starts, found on `sample`, end on all points of the problem, best first.
std::vector<Scaled> polished_ends(const Problem& problem, const Problem& sample) {
  std::vector<Scaled> ends;
  for (const Scaled& start : starting_points(sample)) {
    const Scaled here = scaled_from(problem, in_units(sample, start));
    ends.push_back(polish(problem, here, true));
  }
  std::stable_sort(ends.begin(), ends.end(), [](const Scaled& a, const Scaled& b) {
    return a.objective < b.objective;
  });
  return ends;
}

/// The law of points, with its status.
SurfaceLaw solve(std::span<const SurfacePoint> points, const SurfaceOptions& options) {
  const Problem problem = make_problem(points, options);
  const bool is_small = points.size() <= kStartingPoints;
  const Problem sample =
      is_small ? problem : make_problem(thinned(points, kStartingPoints), options);
  const std::vector<Scaled> ends = polished_ends(problem, sample);
  const Scaled without = polish(problem, ends[0], false);
  const double gain = without.objective - ends[0].objective;
  const bool is_at_bound = !(gain > kAgreement * without.objective);
  SurfaceLaw law = in_units(problem, is_at_bound ? without : ends[0]);
  law.restart_gap = relative_gap(problem, ends[0].objective, ends[1].objective);
  if (law.status == FitStatus::converged) {
    if (law.restart_gap > kAgreement) {
      law.status = FitStatus::restarts_disagree;
    } else if (is_at_bound) {
      law.status = FitStatus::bound_hit;
    } else if (!(gain > kLeastGain * without.objective)) {
      law.status = FitStatus::no_curvature;
    }
  }
  return law;
}

/// Which points each cluster has: their numbers, cluster after cluster.
class Clusters {
 public:
  explicit Clusters(std::span<const SurfacePoint> points) : order_(points.size()) {
    for (const SurfacePoint& point : points) {
      const auto stop = static_cast<std::size_t>(point.cluster) + 2;
      if (starts_.size() < stop) starts_.resize(stop, 0);
      ++starts_[stop - 1];
    }
    for (std::size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    std::vector<std::size_t> next = starts_;
    for (std::size_t i = 0; i < points.size(); ++i) {
      order_[next[static_cast<std::size_t>(points[i].cluster)]++] = i;
    }
  }

  Index size() const { return static_cast<Index>(starts_.size()) - 1; }
  std::span<const std::size_t> members(Index cluster) const {
    const auto at = static_cast<std::size_t>(cluster);
    return std::span(order_).subspan(starts_[at], starts_[at + 1] - starts_[at]);
  }

 private:
  std::vector<std::size_t> starts_ = {0};
  std::vector<std::size_t> order_;
};

}  // namespace

double SurfaceLaw::loss(double n, double d) const {
  return irreducible_loss + a * std::pow(n, -alpha) + b * std::pow(d, -beta);
}

double SurfaceLaw::optimal_n(double product) const {
  const double g = std::pow(alpha * a / (beta * b), 1 / (alpha + beta));
  return g * std::pow(product, optimal_n_exponent());
}

SurfaceLaw fit_surface(std::span<const SurfacePoint> points, const SurfaceOptions& options) {
  if (!has_enough(points)) return {.n_points = static_cast<Count>(points.size())};
  if (points.size() <= kThinned) return solve(points, options);
  // Of many points a part finds the law and its status; all of them then polish it.
  const SurfaceLaw part = solve(thinned(points, kThinned), options);
  const Problem problem = make_problem(points, options);
  const bool has_offset = part.irreducible_loss > 0;
  SurfaceLaw law = in_units(problem, polish_many(problem, scaled_from(problem, part), has_offset));
  law.restart_gap = part.restart_gap;
  if (law.status == FitStatus::converged) law.status = part.status;
  return law;
}

double replicate_share(std::size_t n_points) {
  return n_points <= kThinned ? 1 : kReplicatePoints / static_cast<double>(n_points);
}

std::vector<SurfaceLaw> bootstrap_surface(std::span<const SurfacePoint> points,
                                          const SurfaceLaw& law,
                                          const SurfaceOptions& options,
                                          Count n_replicates,
                                          std::uint64_t seed,
                                          const Threads& threads) {
  const Clusters clusters(points);
  const Index n_clusters = clusters.size();
  const double share = replicate_share(points.size());
  const auto n_drawn = static_cast<Index>(std::ceil(share * static_cast<double>(n_clusters)));
  std::vector<SurfaceLaw> laws(static_cast<std::size_t>(n_replicates));
  threads.for_each(n_replicates, [&](Index i) {
    const RandomStream random(seed, StreamId::bootstrap, static_cast<std::uint32_t>(i));
    std::vector<SurfacePoint> drawn;
    for (Index k = 0; k < n_drawn; ++k) {
      const double place =
          random.uniform(static_cast<std::uint64_t>(k)) * static_cast<double>(n_clusters);
      for (const std::size_t at : clusters.members(static_cast<Index>(place))) {
        drawn.push_back(points[at]);
      }
    }
    if (!has_enough(drawn)) return;
    const Problem problem = make_problem(drawn, options);
    const Scaled start = scaled_from(problem, law);
    Scaled best = share == 1 ? polish(problem, start, true) : polish_many(problem, start, true);
    // Of many points, whether E is there at all is not what a part of them should say.
    if (share == 1 || law.irreducible_loss == 0) {
      const Scaled without = polish(problem, best, false);
      if (without.objective <= best.objective) best = without;
    }
    laws[static_cast<std::size_t>(i)] = in_units(problem, best);
  });
  return laws;
}

}  // namespace einsearch
