// Huber's robust objective: quadratic near zero, linear beyond delta, so that an outlier pulls with
// a bounded force.
//   rho(r) = r^2 / 2                     |r| <= delta
//          = delta (|r| - delta / 2)     |r| >  delta        (Huber 1964)
#pragma once

#include <cmath>

namespace einsearch {

inline double huber(double residual, double delta) {
  const double size = std::abs(residual);
  return size <= delta ? 0.5 * size * size : delta * (size - 0.5 * delta);
}

/// rho'(r) / r: the weight of a point in iteratively reweighted least squares.
inline double huber_weight(double residual, double delta) {
  const double size = std::abs(residual);
  return size <= delta ? 1 : delta / size;
}

}  // namespace einsearch
