// The transpose of a matrix, for the kernel files; everything lies in the namespace of the
// instruction set.
#pragma once

#include <algorithm>

#include "compute/product.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {

/// to[c * to_stride + r] = from(r, c). Rows of `from` are contiguous.
template <typename Scalar>
void transpose_matrix(MatrixView<const Scalar> from, Scalar* to, Index to_stride) {
  using V = Simd256<Scalar>;
  const Index whole_columns = from.columns / V::kWidth * V::kWidth;
  for (Index r = 0; r < from.rows; r += V::kWidth) {
    const Scalar* row = from.data + r * from.row_stride;
    const bool is_whole = r + V::kWidth <= from.rows;
    Index c = 0;
    const auto part = [&](Index i) { return row + i * from.row_stride + c; };
    for (; is_whole && c < whole_columns; c += V::kWidth)
      V::transpose(part, to + c * to_stride + r, to_stride);
    for (; c < from.columns; ++c) {
      for (Index i = 0; i < std::min(V::kWidth, from.rows - r); ++i)
        to[c * to_stride + r + i] = row[i * from.row_stride + c];
    }
  }
}

}  // namespace einsearch::EINSEARCH_ISA
