// GELU and its derivative on a row of numbers, for the kernel files; everything lies in the
// namespace of the instruction set.
//
// float: the normal distribution's tail is Phi(-s) = 2^u p(s), u = -s^2 log2(e) / 2. 2^u is a
// polynomial in the fraction of u, with the integer part added to the exponent bits. p, of degree
// 9, has the least largest error of s Phi(-s) on [0, 5.5], beyond which the tail is nothing to a
// float; no division is needed. The largest errors of GELU and of its derivative are below 7e-7.
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
  constexpr float kLeastExponent = -125.0f;
  constexpr float kEndOfTail = 5.5f;
  float u = -kHalfLog2E * x * x;
  u = u < kLeastExponent ? kLeastExponent : u;
  const float shifted = u + kRoundToInteger;
  const float r = u - (shifted - kRoundToInteger);
  float e = 1.3225397e-3f;
  e = std::fma(e, r, 9.6756677e-3f);
  e = std::fma(e, r, 5.5508640e-2f);
  e = std::fma(e, r, 2.4022131e-1f);
  e = std::fma(e, r, 6.9314694e-1f);
  e = std::fma(e, r, 1.0f);
  e = std::bit_cast<float>(std::bit_cast<std::uint32_t>(e) +
                           (std::bit_cast<std::uint32_t>(shifted) << 23));
  float s = std::abs(x);
  s = s > kEndOfTail ? kEndOfTail : s;
  float p = -6.3604013e-6f;
  p = std::fma(p, s, 1.2706405e-4f);
  p = std::fma(p, s, -1.1232885e-3f);
  p = std::fma(p, s, 5.9206840e-3f);
  p = std::fma(p, s, -2.1411670e-2f);
  p = std::fma(p, s, 5.8668263e-2f);
  p = std::fma(p, s, -1.3131681e-1f);
  p = std::fma(p, s, 2.4963069e-1f);
  p = std::fma(p, s, -3.9891055e-1f);
  p = std::fma(p, s, 4.9999955e-1f);
  probability = 0.5f + std::copysign(std::fma(-p, e, 0.5f), x);
  density = e * (0.5f * std::numbers::sqrt2_v<float> * std::numbers::inv_sqrtpi_v<float>);
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
