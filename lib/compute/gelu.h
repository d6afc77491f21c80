// GELU and its derivative on a row of numbers, for the kernel files; everything lies in the
// namespace of the instruction set.
//
// float: the normal distribution's tail is Phi(-s) = phi(s) p(s). phi is a polynomial in the
// fraction of its binary exponent, whose integer part is added to the exponent bits. p, of degree
// 9, has the least largest error of s Phi(-s) on [0, 5.5]; beyond that phi makes both vanish. No
// division is needed. The largest errors of GELU and of its derivative are below 9e-7.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/types.h"

namespace einsearch::EINSEARCH_ISA {

/// Phi(x) and phi(x): distribution and density of the standard normal.
inline void normal_distribution(float x, float& probability, float& density) {
  constexpr float kHalfLog2E = 0.5f * std::numbers::log2e_v<float>;
  constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23
  constexpr float kLargest = 13.0f;               // phi(13) is still a normal number
  float s = std::abs(x);
  s = s > kLargest ? kLargest : s;
  const float exponent = -kHalfLog2E * s * s;
  const float shifted = exponent + kRoundToInteger;
  const float r = exponent - (shifted - kRoundToInteger);
  float e = 5.27617026e-4f;
  e = std::fma(e, r, 3.86003291e-3f);
  e = std::fma(e, r, 2.21447433e-2f);
  e = std::fma(e, r, 9.58344359e-2f);
  e = std::fma(e, r, 2.76525623e-1f);
  e = std::fma(e, r, 3.98942280e-1f);
  density = std::bit_cast<float>(std::bit_cast<std::uint32_t>(e) +
                                 (std::bit_cast<std::uint32_t>(shifted) << 23));
  float p = -1.59431613e-5f;
  p = std::fma(p, s, 3.18502339e-4f);
  p = std::fma(p, s, -2.81566679e-3f);
  p = std::fma(p, s, 1.48409538e-2f);
  p = std::fma(p, s, -5.36710984e-2f);
  p = std::fma(p, s, 1.47059528e-1f);
  p = std::fma(p, s, -3.29162431e-1f);
  p = std::fma(p, s, 6.25731345e-1f);
  p = std::fma(p, s, -9.99920469e-1f);
  p = std::fma(p, s, 1.25331302f);
  probability = 0.5f + std::copysign(std::fma(-p, density, 0.5f), x);
}

inline void normal_distribution(double x, double& probability, double& density) {
  probability = 0.5 * std::erfc(-x * (0.5 * std::numbers::sqrt2));
  density = std::exp(-0.5 * x * x) * (0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
}

/// y = x Phi(x) and slope = Phi(x) + x phi(x) for `size` numbers; x and y may be the same.
template <typename Scalar>
inline void gelu_row(const Scalar* x, Scalar* y, Scalar* slope, Index size) {
  for (Index n = 0; n < size; ++n) {
    const Scalar value = x[n];
    Scalar probability, density;
    normal_distribution(value, probability, density);
    slope[n] = std::fma(value, density, probability);
    y[n] = value * probability;
  }
}

}  // namespace einsearch::EINSEARCH_ISA
