// Analytic gradients against central differences, in double: the one way in which backward passes
// are tested.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

namespace einsearch {

/// For each entry of x: (f(x + h) - f(x - h)) / 2h equals `gradient`, relative to the largest entry
/// of the gradient.
inline void check_gradient(std::span<double> x,
                           std::span<const double> gradient,
                           const std::function<double()>& f,
                           double tolerance = 1e-7) {
  double scale = 1e-3;
  for (const double g : gradient) scale = std::max(scale, std::abs(g));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double saved = x[i], h = 1e-5 * std::max(1.0, std::abs(saved));
    x[i] = saved + h;
    const double above = f();
    x[i] = saved - h;
    const double below = f();
    x[i] = saved;
    CAPTURE(i);
    CHECK(std::abs((above - below) / (2 * h) - gradient[i]) <= tolerance * scale);
  }
}

}  // namespace einsearch
