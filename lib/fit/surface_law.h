// The surface L(N, D) = E + A N^-alpha + B D^-beta: loss by model size N and data D, where both
// were varied freely (Hoffmann et al. 2022, approach 3; objective after Besiroglu et al. 2024).
//
// Fit: logarithms of N and D are centred on their means, since log A and alpha are correlated at
// 0.999 otherwise. For given (alpha, beta) the law is linear in (E, A, B), all of them at least 0:
// a grid over (alpha, beta) with an inner non-negative least squares, reweighted for Huber's
// objective, gives starting points; the best are polished in all five parameters by Eigen's
// port of MINPACK's Levenberg-Marquardt. The two best must end at one objective, to 1e-9. Of more
// than 20,000 points every so many-th finds the law; steps of all of them by normal equations,
// which take 30 numbers instead of a matrix of the points, then end it.
//
// Optimum at compute C = k N D (k = 6 FLOPs per parameter and token in transformers), from
// dL / dN = 0 along N D = C / k:
//   N* = G (C / k)^a,  D* = (C / k)^b / G,  a = beta / (alpha + beta),  b = alpha / (alpha + beta),
//   G = (alpha A / (beta B))^(1 / (alpha + beta)).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"
#include "compute/parallel.h"
#include "fit/fit_status.h"

namespace einsearch {

/// Where the law was seen; all above 0. `cluster` numbers the run: points of one are resampled
/// together.
struct SurfacePoint {
  double n;
  double d;
  double loss;
  Index cluster;
};

enum class SurfaceObjective {
  log_huber,    ///< sum over points of huber(log law - log loss, delta)
  raw_squares,  ///< sum over points of (law - loss)^2
};

struct SurfaceOptions {
  SurfaceObjective objective = SurfaceObjective::log_huber;
  double huber_delta = 1e-3;
};

struct SurfaceLaw {
  double irreducible_loss = 0;  ///< E
  double a = 0;                 ///< A, at N = 1 in the units given
  double alpha = 0;
  double b = 0;  ///< B, at D = 1 in the units given
  double beta = 0;
  double objective = 0;
  double rms_residual = 0;  ///< of log law - log loss
  double restart_gap = 0;   ///< relative difference of the two best starts' objectives
  Count n_points = 0;
  FitStatus status = FitStatus::too_few_points;

  bool is_usable() const { return n_points > 0 && status != FitStatus::too_few_points; }
  double loss(double n, double d) const;
  /// Exponent a of N* in C; that of D* is 1 - a.
  double optimal_n_exponent() const { return beta / (alpha + beta); }
  /// N* where N D = product; D* = product / N*.
  double optimal_n(double product) const;
};

/// Needs at least six points (one more than parameters), three different N and three different D;
/// status too_few_points otherwise.
SurfaceLaw fit_surface(std::span<const SurfacePoint> points, const SurfaceOptions& options = {});

/// The part of the clusters that a replicate draws: all, but of more than 20,000 points about
/// 2,000. Replicates of a share q scatter 1 / sqrt(q) times too much (m out of n bootstrap, Bickel,
/// Gotze and van Zwet 1997).
double replicate_share(std::size_t n_points);

/// Laws of `n_replicates` resamples of the clusters with replacement, each polished from `law`.
/// Replicate i depends on (seed, i) alone.
std::vector<SurfaceLaw> bootstrap_surface(std::span<const SurfacePoint> points,
                                          const SurfaceLaw& law,
                                          const SurfaceOptions& options,
                                          Count n_replicates,
                                          std::uint64_t seed,
                                          const Threads& threads);

}  // namespace einsearch
