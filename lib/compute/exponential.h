// exp for the kernel files; everything lies in the namespace of the instruction set.
//
// float: exp(x) = 2^n exp(r) with n the nearest integer to x / log 2, and the Taylor polynomial of
// degree 7 for |r| <= log(2) / 2, whose remainder is below 6e-9. Relative error below 2e-7. double:
// the library's.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace einsearch::EINSEARCH_ISA {

/// exp(x) for x <= 0; 0 where that is below the smallest normal number.
inline float exp_of_negative(float x) {
  constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23
  constexpr float kSmallest = -87.0f;             // exp(-87) is still a normal number
  constexpr float kLog2High = 0.693359375f;       // its products with integers below 2^15 are exact
  constexpr float kLog2Low = -2.12194440e-4f;
  const float bounded = x < kSmallest ? kSmallest : x;
  const float shifted = std::fma(bounded, std::numbers::log2e_v<float>, kRoundToInteger);
  const float n = shifted - kRoundToInteger;
  const float r = std::fma(n, -kLog2Low, std::fma(n, -kLog2High, bounded));
  float e = 1.0f / 5040;
  e = std::fma(e, r, 1.0f / 720);
  e = std::fma(e, r, 1.0f / 120);
  e = std::fma(e, r, 1.0f / 24);
  e = std::fma(e, r, 1.0f / 6);
  e = std::fma(e, r, 0.5f);
  e = std::fma(e, r, 1.0f);
  e = std::fma(e, r, 1.0f);
  const float value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(e) +
                                           (std::bit_cast<std::uint32_t>(shifted) << 23));
  return x < kSmallest ? 0.0f : value;
}

inline double exp_of_negative(double x) { return std::exp(x); }

}  // namespace einsearch::EINSEARCH_ISA
