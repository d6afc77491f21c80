// The matrix products behind every layer. One interface for dense and structured layers, forward
// and backward: a small weight matrix with any strides times a block of samples.
//
// The order of every sum is part of the definition: over the inner index in order, each term added
// by one fused multiply-add. Results therefore do not depend on tiles, threads or the width of the
// vector registers.
#pragma once

#include "base/types.h"
#include "compute/block.h"

namespace einsearch {

/// A weight matrix inside a larger array: element (r, c) is data[r * row_stride + c *
/// column_stride].
template <typename Scalar>
struct MatrixView {
  Scalar* data = nullptr;
  Index rows = 0;
  Index columns = 0;
  Index row_stride = 0;
  Index column_stride = 1;

  MatrixView transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  operator MatrixView<const Scalar>() const {
    return {data, rows, columns, row_stride, column_stride};
  }
};

enum class Store { overwrite, accumulate };

/// z = W x, or z += W x       W (M, K), x (K, N) -> z (M, N)       FLOPs: 2MKN
/// Padding lanes of x are read and those of z written.
template <typename Scalar>
void multiply(MatrixView<const Scalar> w,
              BlockView<const Scalar> x,
              BlockView<Scalar> z,
              Store store);

/// dW += dz x^T               dz (M, N), x (K, N) -> dW (M, K)     FLOPs: 2MKN
/// The gradient of z = W x by W; sums over samples in order. dW must have contiguous rows
/// (column_stride 1).
template <typename Scalar>
void accumulate_outer(BlockView<const Scalar> dz, BlockView<const Scalar> x, MatrixView<Scalar> dw);

}  // namespace einsearch
