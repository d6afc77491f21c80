// The chains are independent of each other and as many as the registers hold beside the two
// constants (AVX-512: 16 of 32; AVX2: 12 of 16), enough to hide the latency of a multiply-add on
// two units.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/peak.h"

#include <cmath>

#include "compute/kernel_tables.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {

using V = Simd<float>;
constexpr int kChains = 2 * kTileRows;

float fused_multiply_adds(Count rounds, float shrink, float step) {
  const V::Vector b = V::broadcast(&shrink), c = V::broadcast(&step);
  V::Vector chain[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) {
    const float start = 0.01f * static_cast<float>(i);
    chain[i] = V::broadcast(&start);
  }
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chain[i] = V::fma(chain[i], b, c);
  }
  float lanes[V::kWidth];
  float sum = 0;
  for (int i = 0; i < kChains; ++i) {
    V::store(lanes, chain[i]);
    sum += lanes[0];
  }
  return sum;
}

void triad(float scale, const float* b, const float* c, float* a, Index size) {
  for (Index i = 0; i < size; ++i) a[i] = std::fma(scale, c[i], b[i]);
}

const PeakKernels kPeak = {fused_multiply_adds, 2 * kChains* V::kWidth, triad, eigen_gemm};

}  // namespace einsearch::EINSEARCH_ISA
