// Small tiles of a matrix product in registers, for the kernel files; everything lies in the
// namespace of the instruction set.
//
// Tile. Up to 8 rows of z by 2 vectors of samples (AVX-512: 16 of 32 registers; AVX2: 6 by 2, 12 of
// 16) stay in registers while the inner index runs: per inner index 2 loads of x, a broadcast
// weight per row and 2 fused multiply-adds per row. Products of few rows take more vectors instead,
// so that enough independent sums are under way. Rows are dealt out evenly (9 rows are 5 + 4).
#pragma once

#include "compute/gelu.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {

constexpr int kMostVectors = 4;      // of samples, for products of few rows
constexpr int kMostRows = 8;         // of a tile
constexpr Index kCacheLine = 64;     // bytes
constexpr Index kFetchedAhead = 64;  // inner indices by which weights are asked for early

constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }
constexpr Index larger(Index a, Index b) { return a > b ? a : b; }

/// Rows dealt out evenly to tiles: `full` tiles of `rows` rows, then tiles of one row less.
struct TileRows {
  explicit TileRows(Index total, Index most = kTileRows)
      : tiles((total + most - 1) / most),
        rows((total + tiles - 1) / tiles),
        full(total - tiles * (rows - 1)) {}

  /// The first row of a tile.
  Index begin(Index tile) const { return tile * rows - larger(0, tile - full); }

  Index tiles, rows, full;
};

/// `tiles` tiles below each other times `panels` panels of samples beside each other, for each of
/// `batches` products.
template <typename Scalar>
struct StripArguments {
  Index inner = 0, tiles = 0, panels = 1, batches = 1;
  Index a_batch = 0, x_batch = 0, z_batch = 0, bias_batch = 0;
  const Scalar* a = nullptr;  // a[tile * a_tile + i * a_row + k * a_column]
  Index a_tile = 0, a_row = 0, a_column = 0;
  const Scalar* x = nullptr;  // x[k * x_row + n]
  Index x_row = 0;
  Scalar* z = nullptr;  // z[i * z_row + n]
  Index z_row = 0;
  bool fetches_weights = false;  // while a tile works on earlier ones
  bool fetches_sums = false;     // of the next tile, while one is worked on
  bool is_accumulated = false;   // sums start at z, not at zero
  const Scalar* bias = nullptr;  // they start higher by bias[i * bias_row]
  Index bias_row = 0;
  const Scalar* factor = nullptr;  // in the end they are multiplied by factor[i * z_row + n]
  Scalar* slope = nullptr;         // lies like z; null: no GELU
};

/// Asks for the cache lines of kRows rows of `size` numbers, `stride` apart.
template <int kRows, typename Scalar>
[[gnu::always_inline]] inline void fetch_rows(const Scalar* rows, Index stride, Index size) {
  for (int r = 0; r < kRows; ++r) {
    for (Index n = 0; n < size; n += kCacheLine / Index{sizeof(Scalar)})
      __builtin_prefetch(rows + r * stride + n, 1);
  }
}

/// The same number. Keeps the compiler from working out the addresses of all rows ahead of the
/// loops over tiles and panels: they do not fit the registers, and few tiles follow.
[[gnu::always_inline]] inline Index not_ahead(Index stride) {
  asm volatile("" : "+r"(stride));
  return stride;
}

/// z[i, :] (+)= sum_k a[i, k] x[k, :] for i < kRows, over kVectors vectors of samples.
template <typename V, typename Scalar, int kRows, int kVectors, bool kFetchesWeights>
[[gnu::always_inline]] inline void tile(const StripArguments<Scalar>& t,
                                        const Scalar* a,
                                        const Scalar* x,
                                        Scalar* z,
                                        const Scalar* bias,
                                        const Scalar* factor,
                                        Scalar* slope) {
  const Index a_row = not_ahead(t.a_row), a_column = t.a_column, x_row = t.x_row,
              z_row = not_ahead(t.z_row);
  typename V::Vector sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      sum[i][j] = t.is_accumulated ? V::load(z + i * z_row + j * V::kWidth) : V::zero();
    }
  }
  if (bias != nullptr) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const typename V::Vector shift = V::broadcast(bias + i * t.bias_row);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] = V::add(sum[i][j], shift);
    }
  }
  for (Index k = t.inner; k > 0; --k) {
    if constexpr (kFetchesWeights) __builtin_prefetch(a + kFetchedAhead * a_column);
    typename V::Vector xk[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) xk[j] = V::load(x + j * V::kWidth);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const typename V::Vector weight = V::broadcast(a + i * a_row);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] = V::fma(weight, xk[j], sum[i][j]);
    }
    a += a_column;
    x += x_row;
  }
  if (factor != nullptr) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) {
        sum[i][j] = V::multiply(sum[i][j], V::load(factor + i * z_row + j * V::kWidth));
      }
    }
  }
  if constexpr (sizeof(Scalar) == sizeof(float)) {
    if (slope != nullptr) {
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; ++j) {
          typename V::Vector derivative;
          gelu_vector<V>(sum[i][j], sum[i][j], derivative);
          V::store(slope + i * z_row + j * V::kWidth, derivative);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) V::store(z + i * z_row + j * V::kWidth, sum[i][j]);
  }
  if constexpr (sizeof(Scalar) != sizeof(float)) {
    if (slope == nullptr) return;
    for (int i = 0; i < kRows; ++i)
      gelu_row(z + i * z_row, z + i * z_row, slope + i * z_row, kVectors * V::kWidth);
  }
}

/// All tiles of a strip against one panel of samples after the other.
template <typename V, typename Scalar, int kRows, int kVectors>
void strip(const StripArguments<Scalar>& t) {
  constexpr Index kPanel = kVectors * V::kWidth;
  const Index rows_of_tile = kRows * t.z_row;
  for (Index g = 0; g < t.batches; ++g) {
    for (Index panel = 0; panel < t.panels; ++panel) {
      const Scalar* a = t.a + g * t.a_batch;
      const Scalar* x = t.x + g * t.x_batch + panel * kPanel;
      const Scalar* bias = t.bias != nullptr ? t.bias + g * t.bias_batch : nullptr;
      Index offset = g * t.z_batch + panel * kPanel;
      for (Index i = 0; i < t.tiles; ++i) {
        const Scalar* factor = t.factor != nullptr ? t.factor + offset : nullptr;
        Scalar* slope = t.slope != nullptr ? t.slope + offset : nullptr;
        if (t.fetches_sums && i + 1 < t.tiles)
          fetch_rows<kRows>(t.z + offset + rows_of_tile, t.z_row, kPanel);
        if (t.fetches_weights) {
          tile<V, Scalar, kRows, kVectors, true>(t, a, x, t.z + offset, bias, factor, slope);
        } else {
          tile<V, Scalar, kRows, kVectors, false>(t, a, x, t.z + offset, bias, factor, slope);
        }
        a += t.a_tile;
        offset += rows_of_tile;
        if (bias != nullptr) bias += kRows * t.bias_row;
      }
    }
  }
}

template <typename Scalar>
using Strip = void (*)(const StripArguments<Scalar>&);

/// Strips of tiles of 1 ... kMostRows rows; null where the registers do not hold the tile.
template <typename V, typename Scalar, int kVectors>
struct Strips {
  static constexpr int kMost = kVectors == 1 ? kMostRows : kVectors > 2 ? 3 : kTileRows;

  template <int kRows>
  static constexpr Strip<Scalar> of() {
    if constexpr (kRows <= kMost) {
      return strip<V, Scalar, kRows, kVectors>;
    } else {
      return nullptr;
    }
  }
  static constexpr Strip<Scalar> kOfRows[kMostRows] = {
      of<1>(), of<2>(), of<3>(), of<4>(), of<5>(), of<6>(), of<7>(), of<8>()};
};

}  // namespace einsearch::EINSEARCH_ISA
