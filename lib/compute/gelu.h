// GELU and its derivative on vectors and rows of numbers, for the kernel files; everything lies in
// the namespace of the instruction set.
//
// float: the normal distribution's tail is Phi(-s) = phi(s) p(s). phi is a polynomial in the
// fraction of its binary exponent, whose integer part is added to the exponent bits. p, of degree
// 9, has the least largest error of s Phi(-s) on [0, 5.5]; beyond that phi makes both vanish. No
// division is needed. The largest errors of GELU and of its derivative are below 9e-7.
#pragma once

#include <cmath>
#include <numbers>

#include "base/types.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {

/// y = x Phi(x) and slope = Phi(x) + x phi(x), with Phi and phi the distribution and the density of
/// the standard normal.
template <typename V>
[[gnu::always_inline]] inline void gelu_vector(typename V::Vector x,
                                               typename V::Vector& y,
                                               typename V::Vector& slope) {
  using Vector = typename V::Vector;
  constexpr float kHalfLog2E = 0.5f * std::numbers::log2e_v<float>;
  constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23
  constexpr float kLargest = 13.0f;               // phi(13) is still a normal number
  const Vector s = V::minimum(V::all(kLargest), V::absolute(x));
  const Vector exponent = V::multiply(V::multiply(V::all(-kHalfLog2E), s), s);
  const Vector shifted = V::add(exponent, V::all(kRoundToInteger));
  const Vector r = V::subtract(exponent, V::subtract(shifted, V::all(kRoundToInteger)));
  Vector e = V::all(5.27617026e-4f);
  for (const float c :
       {3.86003291e-3f, 2.21447433e-2f, 9.58344359e-2f, 2.76525623e-1f, 3.98942280e-1f})
    e = V::fma(e, r, V::all(c));
  const Vector density = V::add_to_exponent(e, shifted);
  Vector p = V::all(-1.59431613e-5f);
  for (const float c : {3.18502339e-4f,
                        -2.81566679e-3f,
                        1.48409538e-2f,
                        -5.36710984e-2f,
                        1.47059528e-1f,
                        -3.29162431e-1f,
                        6.25731345e-1f,
                        -9.99920469e-1f,
                        1.25331302f})
    p = V::fma(p, s, V::all(c));
  const Vector half = V::all(0.5f);
  const Vector probability = V::add(half, V::with_sign(V::negative_fma(p, density, half), x));
  slope = V::fma(x, density, probability);
  y = V::multiply(x, probability);
}

/// The same for `size` numbers, a multiple of kSampleLanes; x and y may be the same.
inline void gelu_row(const float* x, float* y, float* slope, Index size) {
  using V = Simd<float>;
  for (Index n = 0; n < size; n += V::kWidth) {
    V::Vector value, derivative;
    gelu_vector<V>(V::load(x + n), value, derivative);
    V::store(y + n, value);
    V::store(slope + n, derivative);
  }
}

inline void gelu_row(const double* x, double* y, double* slope, Index size) {
  for (Index n = 0; n < size; ++n) {
    const double value = x[n];
    const double probability = 0.5 * std::erfc(-value * (0.5 * std::numbers::sqrt2));
    const double density =
        std::exp(-0.5 * value * value) * (0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
    slope[n] = std::fma(value, density, probability);
    y[n] = value * probability;
  }
}

}  // namespace einsearch::EINSEARCH_ISA
