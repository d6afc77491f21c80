// The matrix products behind every layer. One interface for dense and structured layers, forward
// and backward: small weight matrices with any strides times rows of a block of samples.
//
// The order of every sum is part of the definition: over the inner index in order, each term added
// by one fused multiply-add. Results therefore do not depend on tiles, threads or the width of the
// vector registers.
#pragma once

#include <algorithm>
#include <cassert>

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

/// z[g,t] = W[g] x[g,t] for batches g and rides t: W[g] (rows, inner), x[g,t] (inner, N), z[g,t]
/// (rows, N). FLOPs: 2 N batches rides rows inner forward, twice that backward.
struct BatchedProduct {
  Index batches = 1, rides = 1, rows = 0, inner = 0;
  Index x_batch = 0, x_ride = 0, x_row = 1;  ///< strides in rows of the block x
  Index z_batch = 0, z_ride = 0, z_row = 1;  ///< strides in rows of the block z
  Index w_batch = 0, w_row = 0;  ///< strides in the factor's storage; its inner index is contiguous
  Index part_rows = 0;           ///< rows that are packed together, as products of their own (see
                                 ///< TwoFactorContraction::part); 0: all

  Index x_features() const { return batches * rides * inner; }
  Index z_features() const { return batches * rides * rows; }
  bool operator==(const BatchedProduct&) const = default;
};

/// W x for a dense matrix W (outputs, inputs), row-major.
constexpr BatchedProduct dense_product(Index outputs, Index inputs) {
  return {.rows = outputs, .inner = inputs, .w_batch = outputs * inputs, .w_row = inputs};
}

/// The weights of a batched product, as they are stored and, for speed, once more in the order in
/// which the kernels read them (see ProductKernels::pack). Which of the two is used does not change
/// a bit of the result.
template <typename Scalar>
struct FactorWeights {
  FactorWeights(const Scalar* stored, const Scalar* in_tiles = nullptr)
      : plain(stored), packed(in_tiles) {}

  /// Those from batch `first` of the product on, which is not packed in parts.
  FactorWeights from_batch(const BatchedProduct& product, Index first) const {
    FactorWeights rest = *this;
    assert(packed == nullptr || product.part_rows == 0 || product.part_rows >= product.rows);
    rest.plain += first * product.w_batch;
    if (packed != nullptr) rest.packed += first * product.rows * product.inner;
    return rest;
  }

  const Scalar* plain;
  const Scalar* packed;  ///< null: not packed
  bool is_far = false;   ///< not in the second-level cache, so that they are asked for early
};

enum class Store { overwrite, accumulate };

/// What else happens to the output of a product while it is at hand. The blocks `slope` and
/// `factor` lie like z: same rows, same stride.
template <typename Scalar>
struct Epilogue {
  Store store = Store::overwrite;  ///< sums start at zero, or at z
  const Scalar* bias = nullptr;    ///< and higher by bias[f] in row f
  const Scalar* factor = nullptr;  ///< then z *= factor, element by element
  Scalar* slope = nullptr;         ///< then slope = gelu'(z) and z = gelu(z), see elementwise.h

  /// The same for the rows of z from `row` on, which are `stride` apart.
  Epilogue from_row(Index row, Index stride) const {
    Epilogue part = *this;
    if (bias != nullptr) part.bias += row;
    if (factor != nullptr) part.factor += row * stride;
    if (slope != nullptr) part.slope += row * stride;
    return part;
  }
};

/// The products of one instruction set.
template <typename Scalar>
struct ProductKernels {
  /// z = W x, or z += W x       W (M, K), x (K, N) -> z (M, N)       FLOPs: 2MKN
  /// Padding lanes of x are read and those of z written.
  void (*multiply)(MatrixView<const Scalar> w,
                   BlockView<const Scalar> x,
                   BlockView<Scalar> z,
                   Store store);

  /// dW += dz x^T               dz (M, N), x (K, N) -> dW (M, K)     FLOPs: 2MKN
  /// The gradient of z = W x by W; sums over samples in order. dW must have contiguous rows
  /// (column_stride 1).
  void (*accumulate_outer)(BlockView<const Scalar> dz,
                           BlockView<const Scalar> x,
                           MatrixView<Scalar> dw);

  /// Copies W (M, K) to `packed` (M K scalars), in an order that belongs to the instruction set.
  /// forward() takes the batches' W packed one after another, backward_input() their transposes.
  void (*pack)(MatrixView<const Scalar> w, Scalar* packed);

  /// z[g,t] = W[g] x[g,t], then the epilogue
  void (*forward)(const BatchedProduct& product,
                  FactorWeights<Scalar> w,
                  BlockView<const Scalar> x,
                  BlockView<Scalar> z,
                  const Epilogue<Scalar>& epilogue);

  /// dx[g,t] = W[g]^T dz[g,t], then the epilogue
  void (*backward_input)(const BatchedProduct& product,
                         FactorWeights<Scalar> w,
                         BlockView<const Scalar> dz,
                         BlockView<Scalar> dx,
                         const Epilogue<Scalar>& epilogue);

  /// dW[g] += sum_t dz[g,t] x[g,t]^T
  void (*backward_weight)(const BatchedProduct& product,
                          BlockView<const Scalar> dz,
                          BlockView<const Scalar> x,
                          Scalar* dw);
};

/// Those of the active instruction set (compute/isa.h).
template <typename Scalar>
const ProductKernels<Scalar>& products();

/// Calls pack(W, packed) for the rows of each part and each batch of a product's weights w.
template <typename Scalar, typename Pack>
void for_each_packed(const BatchedProduct& product,
                     const Scalar* w,
                     Scalar* packed,
                     const Pack& pack) {
  const Index part = product.part_rows > 0 ? product.part_rows : product.rows;
  for (Index first = 0; first < product.rows; first += part) {
    const Index rows = std::min(part, product.rows - first);
    for (Index g = 0; g < product.batches; ++g) {
      pack(MatrixView<const Scalar>{w + g * product.w_batch + first * product.w_row,
                                    rows,
                                    product.inner,
                                    product.w_row,
                                    1},
           packed);
      packed += rows * product.inner;
    }
  }
}

/// Packs a product's weights w for forward(): part by part, in each batch by batch.
template <typename Scalar>
void pack_forward(const BatchedProduct& product, const Scalar* w, Scalar* packed) {
  for_each_packed(product, w, packed, products<Scalar>().pack);
}

/// Packs a product's weights w for backward_input(), in the same order.
template <typename Scalar>
void pack_backward(const BatchedProduct& product, const Scalar* w, Scalar* packed) {
  for_each_packed(product, w, packed, [](MatrixView<const Scalar> part, Scalar* to) {
    products<Scalar>().pack(part.transposed(), to);
  });
}

}  // namespace einsearch
