// Register-tiled products.
//
// A tile keeps up to 6 rows of z by 2 vectors of samples in registers (12 accumulators, 2 vectors
// of x, 1 broadcast weight: 15 of the 16 registers of AVX2) while it runs over the whole inner
// index. Rows are dealt out evenly to tiles (8 rows are 4 + 4, not 6 + 2), because a tile of few
// rows waits for its own additions. Weights are read through strides, so the same code serves W and
// its transpose and every batch of a structured layer.
//
// The weight gradient is the same tile with the roles turned: x is transposed in cache, 8 features
// by 8 samples at a time, and then samples are the inner index and features the lanes.
#include "compute/product.h"

#include <algorithm>
#include <array>
#include <utility>

#include "compute/simd.h"

namespace einsearch {
namespace {

constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;

/// z[i, :] (+)= sum_k a[i * a_row + k * a_column] x[k, :] for i < kRows, over kVectors vectors of
/// samples.
template <typename Scalar, int kRows, int kVectors, bool kAccumulate>
void tile(Index inner,
          const Scalar* a,
          Index a_row,
          Index a_column,
          const Scalar* x,
          Index x_row,
          Scalar* z,
          Index z_row) {
  using V = Simd<Scalar>;
  typename V::Vector sum[kRows][kVectors];
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      sum[i][j] = kAccumulate ? V::load(z + i * z_row + j * V::kWidth) : V::zero();
    }
  }
  for (Index k = 0; k < inner; ++k) {
    typename V::Vector xk[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) xk[j] = V::load(x + j * V::kWidth);
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      const typename V::Vector weight = V::broadcast(a + i * a_row);
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) sum[i][j] = V::fma(weight, xk[j], sum[i][j]);
    }
    a += a_column;
    x += x_row;
  }
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) V::store(z + i * z_row + j * V::kWidth, sum[i][j]);
  }
}

template <typename Scalar>
using Tile = void (*)(Index, const Scalar*, Index, Index, const Scalar*, Index, Scalar*, Index);

/// Tiles of 1 ... 6 rows; entry r - 1 has r rows.
template <typename Scalar, int kVectors, bool kAccumulate>
constexpr std::array<Tile<Scalar>, kTileRows> kTiles = {tile<Scalar, 1, kVectors, kAccumulate>,
                                                        tile<Scalar, 2, kVectors, kAccumulate>,
                                                        tile<Scalar, 3, kVectors, kAccumulate>,
                                                        tile<Scalar, 4, kVectors, kAccumulate>,
                                                        tile<Scalar, 5, kVectors, kAccumulate>,
                                                        tile<Scalar, 6, kVectors, kAccumulate>};

/// One panel of samples against all rows of a.
template <typename Scalar, int kVectors, bool kAccumulate>
void panel(Index rows,
           Index inner,
           const Scalar* a,
           Index a_row,
           Index a_column,
           const Scalar* x,
           Index x_row,
           Scalar* z,
           Index z_row) {
  const Index tiles = (rows + kTileRows - 1) / kTileRows;
  Index row = 0;
  for (Index t = 0; t < tiles; ++t) {
    const Index count = (rows - row) / (tiles - t);
    const auto run = kTiles<Scalar, kVectors, kAccumulate>[static_cast<std::size_t>(count - 1)];
    run(inner, a + row * a_row, a_row, a_column, x, x_row, z + row * z_row, z_row);
    row += count;
  }
}

/// xt[n * width + k] = x[k, n] for n < samples (a multiple of the vector width), k < features; zero
/// for k beyond.
template <typename Scalar>
void transpose_panel(
    BlockView<const Scalar> x, Index first_sample, Index samples, Index width, Scalar* xt) {
  constexpr Index kWidth = Simd<Scalar>::kWidth;
  static constexpr std::array<Scalar, kWidth> kZeros{};
  for (Index k = 0; k < width; k += kWidth) {
    for (Index n = 0; n < samples; n += kWidth) {
      std::array<const Scalar*, kWidth> rows;
      for (Index i = 0; i < kWidth; ++i) {
        rows[static_cast<std::size_t>(i)] =
            k + i < x.features ? x.row(k + i) + first_sample + n : kZeros.data();
      }
      Simd<Scalar>::transpose(rows.data(), xt + n * width + k, width);
    }
  }
}

/// dw[:, 0 ... columns) += dz xt, where xt has `width` columns of which `columns` are real.
template <typename Scalar, int kVectors>
void outer_panel(BlockView<const Scalar> dz,
                 Index first_sample,
                 Index samples,
                 const Scalar* xt,
                 Index columns,
                 Scalar* dw,
                 Index dw_row) {
  constexpr Index kPanel = kVectors * Simd<Scalar>::kWidth;
  const Scalar* d = dz.data + first_sample;
  if (columns == kPanel) {
    panel<Scalar, kVectors, true>(dz.features, samples, d, dz.stride, 1, xt, kPanel, dw, dw_row);
    return;
  }
  constexpr Index kRowsAtATime = 32;
  std::array<Scalar, kRowsAtATime * kPanel> edge{};  // rows of dw widened to whole vectors
  for (Index row = 0; row < dz.features; row += kRowsAtATime) {
    const Index rows = std::min(kRowsAtATime, dz.features - row);
    for (Index i = 0; i < rows; ++i)
      std::copy_n(dw + (row + i) * dw_row, columns, edge.data() + i * kPanel);
    panel<Scalar, kVectors, true>(
        rows, samples, d + row * dz.stride, dz.stride, 1, xt, kPanel, edge.data(), kPanel);
    for (Index i = 0; i < rows; ++i)
      std::copy_n(edge.data() + i * kPanel, columns, dw + (row + i) * dw_row);
  }
}

}  // namespace

template <typename Scalar>
void multiply(MatrixView<const Scalar> w,
              BlockView<const Scalar> x,
              BlockView<Scalar> z,
              Store store) {
  assert(w.columns == x.features && w.rows == z.features && x.samples == z.samples);
  constexpr Index kPanel = kTileVectors * Simd<Scalar>::kWidth;
  static_assert(kSampleLanes % kPanel == 0);
  const auto run = store == Store::accumulate ? panel<Scalar, kTileVectors, true>
                                              : panel<Scalar, kTileVectors, false>;
  for (Index n = 0; n < x.padded(); n += kPanel) {
    run(w.rows,
        w.columns,
        w.data,
        w.row_stride,
        w.column_stride,
        x.data + n,
        x.stride,
        z.data + n,
        z.stride);
  }
}

template <typename Scalar>
void accumulate_outer(BlockView<const Scalar> dz,
                      BlockView<const Scalar> x,
                      MatrixView<Scalar> dw) {
  assert(dz.features == dw.rows && x.features == dw.columns && x.samples == dz.samples);
  assert(dw.column_stride == 1);
  constexpr Index kWidth = Simd<Scalar>::kWidth;
  constexpr Index kPanel = kTileVectors * kWidth;
  constexpr Index kSamplesAtATime = 128;
  alignas(64) std::array<Scalar, kSamplesAtATime * kPanel> xt;
  for (Index n = 0; n < x.padded(); n += kSamplesAtATime) {
    const Index samples = std::min(kSamplesAtATime, x.padded() - n);
    for (Index k = 0; k < x.features; k += kPanel) {
      const Index columns = std::min(kPanel, x.features - k);
      const bool is_narrow = columns <= kWidth;
      const BlockView<const Scalar> part = x.rows(k, columns);
      transpose_panel(part, n, samples, is_narrow ? kWidth : kPanel, xt.data());
      const auto run = is_narrow ? outer_panel<Scalar, 1> : outer_panel<Scalar, 2>;
      run(dz, n, samples, xt.data(), columns, dw.data + k, dw.row_stride);
    }
  }
}

template void multiply<float>(MatrixView<const float>,
                              BlockView<const float>,
                              BlockView<float>,
                              Store);
template void multiply<double>(MatrixView<const double>,
                               BlockView<const double>,
                               BlockView<double>,
                               Store);
template void accumulate_outer<float>(BlockView<const float>,
                                      BlockView<const float>,
                                      MatrixView<float>);
template void accumulate_outer<double>(BlockView<const double>,
                                       BlockView<const double>,
                                       MatrixView<double>);

}  // namespace einsearch
