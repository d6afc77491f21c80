// What this processor can do at most: loops that do nothing but fused multiply-adds in registers,
// or nothing but stream through memory; and what a library's matrix product does. Other speeds are
// quoted beside these.
#pragma once

#include "base/types.h"
#include "compute/product.h"

namespace einsearch {

/// The loops of one instruction set, each on one thread.
struct PeakKernels {
  /// `rounds` times, in each of several chains of vectors: a = a * shrink + step. Returns the sum
  /// of the chains.
  float (*fused_multiply_adds)(Count rounds, float shrink, float step);

  /// FLOPs of one round, 2 per multiply-add.
  Count flops_per_round;

  /// a[i] = b[i] + scale c[i]       12 bytes per element
  void (*triad)(float scale, const float* b, const float* c, float* a, Index size);

  /// z = W x by Eigen: W (M, K) with contiguous rows, x (K, N) -> z (M, N)     FLOPs: 2MKN
  void (*eigen_gemm)(MatrixView<const float> w, BlockView<const float> x, BlockView<float> z);
};

/// Those of the active instruction set (compute/isa.h).
const PeakKernels& peak_kernels();

}  // namespace einsearch
