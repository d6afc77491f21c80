// Register-tiled products: y = W x with a small tile of y in registers.
//
// Tile. Up to 8 rows of z by 2 vectors of samples (AVX-512: 16 of 32 registers; AVX2: 6 by 2, 12 of
// 16) stay in registers while the inner index runs: per inner index 2 loads of x, a broadcast
// weight per row and 2 fused multiply-adds per row. Products of few rows take more vectors instead,
// so that enough independent sums are under way. Rows are dealt out evenly (9 rows are 5 + 4).
//
// Cache. Three loops around the tile: kInnerBlock values of the inner index, so that a panel of x
// (32 samples) stays in the first-level cache; kRowBlock rows, whose weights are first copied
// together, since rows that lie a power of two apart would evict each other; then panels of
// samples. Weights are read through strides, so the same code serves W, its transpose and every
// batch of a structured layer. Sums start from the bias; a factor is applied before a tile leaves
// the registers, GELU right after.
//
// Weight gradient. The same tile with the roles turned: x is transposed in cache, then samples are
// the inner index and features the lanes. Inputs of 8 features or fewer use half vectors.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/product.h"

#include "compute/gelu.h"
#include "compute/kernel_tables.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {

constexpr int kMostVectors = 4;         // of samples, for products of few rows
constexpr Index kInnerBlock = 128;      // inner indices per pass
constexpr Index kRowBlock = 96;         // rows whose weights are copied together
constexpr Index kSamplesAtATime = 256;  // of a weight gradient's transposed panel

constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }

/// The next part when `left` is cut into as few parts of at most `most` as possible, evenly.
constexpr Index even_part(Index left, Index most) {
  const Index parts = (left + most - 1) / most;
  return (left + parts - 1) / parts;
}

/// Rows dealt out evenly to tiles: `larger` tiles of `rows` rows, then tiles of one row less.
struct TileRows {
  explicit TileRows(Index total)
      : tiles((total + kTileRows - 1) / kTileRows),
        rows((total + tiles - 1) / tiles),
        larger(total - tiles * (rows - 1)) {}

  Index tiles, rows, larger;
};

template <typename Scalar>
struct TileArguments {
  Index inner;
  const Scalar* a;  // a[i * a_row + k * a_column]
  Index a_row, a_column;
  const Scalar* x;  // x[k * x_row + n]
  Index x_row;
  Scalar* z;  // z[i * z_row + n]
  Index z_row;
  bool is_accumulated;  // sums start at z, not at zero
  const Scalar* bias;   // they start higher by bias[i * bias_row]; may be null
  Index bias_row;
  const Scalar* factor;  // sums are multiplied by factor[i * z_row + n]; may be null
};

/// z[i, :] (+)= sum_k a[i, k] x[k, :] for i < kRows, over kVectors vectors of samples.
template <typename V, typename Scalar, int kRows, int kVectors>
void tile(const TileArguments<Scalar>& t) {
  typename V::Vector sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      sum[i][j] = t.is_accumulated ? V::load(t.z + i * t.z_row + j * V::kWidth) : V::zero();
    }
  }
  if (t.bias != nullptr) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const typename V::Vector bias = V::broadcast(t.bias + i * t.bias_row);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sum[i][j] = V::add(sum[i][j], bias);
    }
  }
  const Scalar* a = t.a;
  const Scalar* x = t.x;
  const Index a_row = t.a_row, a_column = t.a_column, x_row = t.x_row;
  for (Index k = t.inner; k > 0; --k) {
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
  if (t.factor != nullptr) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) {
        sum[i][j] = V::multiply(sum[i][j], V::load(t.factor + i * t.z_row + j * V::kWidth));
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) V::store(t.z + i * t.z_row + j * V::kWidth, sum[i][j]);
  }
}

template <typename Scalar>
using Tile = void (*)(const TileArguments<Scalar>&);

/// Tiles of 1 ... kTileRows rows.
template <typename V, typename Scalar, int kVectors>
struct Tiles {
  template <int kRows>
  static constexpr Tile<Scalar> of() {
    if constexpr (kRows <= kTileRows) {
      return tile<V, Scalar, kRows, kVectors>;
    } else {
      return nullptr;
    }
  }
  static constexpr Tile<Scalar> kOfRows[8] = {
      of<1>(), of<2>(), of<3>(), of<4>(), of<5>(), of<6>(), of<7>(), of<8>()};
};

/// One panel of samples against all rows of a. `slope` lies like z; null: no GELU.
template <typename V, typename Scalar, int kVectors>
void panel(TileArguments<Scalar> t, const TileRows& deal, Scalar* slope) {
  for (Index i = 0; i < deal.tiles; ++i) {
    const Index rows = i < deal.larger ? deal.rows : deal.rows - 1;
    Tiles<V, Scalar, kVectors>::kOfRows[rows - 1](t);
    if (slope != nullptr) {
      for (Index r = 0; r < rows; ++r) {
        Scalar* row = t.z + r * t.z_row;
        gelu_row(row, row, slope + r * t.z_row, kVectors * V::kWidth);
      }
      slope += rows * t.z_row;
    }
    t.a += rows * t.a_row;
    t.z += rows * t.z_row;
    if (t.bias != nullptr) t.bias += rows * t.bias_row;
    if (t.factor != nullptr) t.factor += rows * t.z_row;
  }
}

/// All panels of a block of `padded` samples.
template <typename Scalar>
void panels(TileArguments<Scalar> t, Index rows, Index padded, Scalar* slope) {
  using V = Simd<Scalar>;
  const TileRows deal(rows);
  Index n = 0;
  const auto run = [&]<int kVectors>() {
    constexpr Index kPanel = kVectors * V::kWidth;
    for (; n + kPanel <= padded; n += kPanel) {
      panel<V, Scalar, kVectors>(t, deal, slope);
      t.x += kPanel;
      t.z += kPanel;
      if (t.factor != nullptr) t.factor += kPanel;
      if (slope != nullptr) slope += kPanel;
    }
  };
  if (rows <= 3) run.template operator()<kMostVectors>();
  run.template operator()<2>();
  run.template operator()<1>();
}

/// Copies rows x inner weights together; afterwards `t` reads the copy.
template <typename Scalar>
void copy_weights(TileArguments<Scalar>& t, Index rows, Scalar* copy) {
  const bool is_transposed = t.a_row == 1;
  const Index lines = is_transposed ? t.inner : rows, length = is_transposed ? rows : t.inner;
  const Index from_stride = is_transposed ? t.a_column : t.a_row;
  const Index to_stride = is_transposed ? kRowBlock : kInnerBlock;
  for (Index i = 0; i < lines; ++i) {
    const Scalar* from = t.a + i * from_stride;
    Scalar* to = copy + i * to_stride;
    for (Index j = 0; j < length; ++j) to[j] = from[j];
  }
  t.a = copy;
  t.a_row = is_transposed ? 1 : kInnerBlock;
  t.a_column = is_transposed ? kRowBlock : 1;
}

/// z[t] = W x[t] for all rides of one batch.
template <typename Scalar>
struct RideProduct {
  MatrixView<const Scalar> w;
  Index rides;
  const Scalar* x;
  Index x_ride, x_row;
  Scalar* z;
  Index z_ride, z_row;
  const Scalar* z_block;  // the whole output block, which the epilogue's rows count from
  Index z_stride;         // of one of its rows
  Index padded;
};

template <typename Scalar>
void multiply_rides(const RideProduct<Scalar>& p, const Epilogue<Scalar>& epilogue) {
  constexpr Index kCopiesPay = 48;          // samples that each weight is multiplied with
  constexpr Index kFirstLevelCache = 2048;  // weights that stay there by themselves
  const bool is_copied =
      p.rides * p.padded >= kCopiesPay && p.w.rows > 1 &&
      (p.w.rows * p.w.columns > kFirstLevelCache || p.w.row_stride * p.w.column_stride > 256);
  const Index z_offset = p.z - p.z_block, bias_row = p.z_row / p.z_stride;
  alignas(64) Scalar copy[kRowBlock * kInnerBlock];
  for (Index k = 0; k < p.w.columns;) {
    const Index inner = even_part(p.w.columns - k, kInnerBlock);
    const bool is_first = k == 0, is_last = k + inner == p.w.columns;
    for (Index m = 0; m < p.w.rows;) {
      const Index rows = even_part(p.w.rows - m, kRowBlock);
      TileArguments<Scalar> t{
          .inner = inner,
          .a = p.w.data + m * p.w.row_stride + k * p.w.column_stride,
          .a_row = p.w.row_stride,
          .a_column = p.w.column_stride,
          .x = p.x + k * p.x_row,
          .x_row = p.x_row,
          .z = p.z + m * p.z_row,
          .z_row = p.z_row,
          .is_accumulated = !is_first || epilogue.store == Store::accumulate,
          .bias = nullptr,
          .bias_row = bias_row,
          .factor = nullptr,
      };
      if (is_copied) copy_weights(t, rows, copy);
      for (Index ride = 0; ride < p.rides; ++ride) {
        const Index offset = z_offset + m * p.z_row + ride * p.z_ride;
        if (is_first && epilogue.bias != nullptr) t.bias = epilogue.bias + offset / p.z_stride;
        if (is_last && epilogue.factor != nullptr) t.factor = epilogue.factor + offset;
        Scalar* slope = is_last && epilogue.slope != nullptr ? epilogue.slope + offset : nullptr;
        panels(t, rows, p.padded, slope);
        t.x += p.x_ride;
        t.z += p.z_ride;
      }
      m += rows;
    }
    k += inner;
  }
}

template <typename Scalar>
void multiply(MatrixView<const Scalar> w,
              BlockView<const Scalar> x,
              BlockView<Scalar> z,
              Store store) {
  assert(w.columns == x.features && w.rows == z.features && x.samples == z.samples);
  multiply_rides<Scalar>({.w = w,
                          .rides = 1,
                          .x = x.data,
                          .x_ride = 0,
                          .x_row = x.stride,
                          .z = z.data,
                          .z_ride = 0,
                          .z_row = z.stride,
                          .z_block = z.data,
                          .z_stride = z.stride,
                          .padded = x.padded()},
                         {.store = store});
}

template <typename Scalar>
void forward(const BatchedProduct& p,
             const Scalar* w,
             BlockView<const Scalar> x,
             BlockView<Scalar> z,
             const Epilogue<Scalar>& epilogue) {
  for (Index g = 0; g < p.batches; ++g) {
    multiply_rides<Scalar>({.w = {w + g * p.w_batch, p.rows, p.inner, p.w_row, 1},
                            .rides = p.rides,
                            .x = x.row(g * p.x_batch),
                            .x_ride = p.x_ride * x.stride,
                            .x_row = p.x_row * x.stride,
                            .z = z.row(g * p.z_batch),
                            .z_ride = p.z_ride * z.stride,
                            .z_row = p.z_row * z.stride,
                            .z_block = z.data,
                            .z_stride = z.stride,
                            .padded = x.padded()},
                           epilogue);
  }
}

template <typename Scalar>
void backward_input(const BatchedProduct& p,
                    const Scalar* w,
                    BlockView<const Scalar> dz,
                    BlockView<Scalar> dx,
                    const Epilogue<Scalar>& epilogue) {
  for (Index g = 0; g < p.batches; ++g) {
    multiply_rides<Scalar>({.w = {w + g * p.w_batch, p.inner, p.rows, 1, p.w_row},
                            .rides = p.rides,
                            .x = dz.row(g * p.z_batch),
                            .x_ride = p.z_ride * dz.stride,
                            .x_row = p.z_row * dz.stride,
                            .z = dx.row(g * p.x_batch),
                            .z_ride = p.x_ride * dx.stride,
                            .z_row = p.x_row * dx.stride,
                            .z_block = dx.data,
                            .z_stride = dx.stride,
                            .padded = dz.padded()},
                           epilogue);
  }
}

/// xt[n * width + k] = x[k, n] for n < samples (a multiple of kSampleLanes), k < width; zero for k
/// beyond the features of x.
template <typename Scalar>
void transpose_panel(
    BlockView<const Scalar> x, Index first_sample, Index samples, Index width, Scalar* xt) {
  using V = Simd256<Scalar>;
  static constexpr Scalar kZeros[V::kWidth] = {};
  for (Index k = 0; k < width; k += V::kWidth) {
    for (Index n = 0; n < samples; n += V::kWidth) {
      const Scalar* rows[V::kWidth];
      for (Index i = 0; i < V::kWidth; ++i) {
        rows[i] = k + i < x.features ? x.row(k + i) + first_sample + n : kZeros;
      }
      V::transpose(rows, xt + n * width + k, width);
    }
  }
}

/// dw[:, 0 ... columns) += dz xt, where xt has kVectors vectors of columns, `columns` of them real.
template <typename V, typename Scalar, int kVectors>
void outer_panel(BlockView<const Scalar> dz,
                 Index first_sample,
                 Index samples,
                 const Scalar* xt,
                 Index columns,
                 Scalar* dw,
                 Index dw_row) {
  constexpr Index kPanel = kVectors * V::kWidth;
  TileArguments<Scalar> t{.inner = samples,
                          .a = dz.data + first_sample,
                          .a_row = dz.stride,
                          .a_column = 1,
                          .x = xt,
                          .x_row = kPanel,
                          .z = dw,
                          .z_row = dw_row,
                          .is_accumulated = true,
                          .bias = nullptr,
                          .bias_row = 0,
                          .factor = nullptr};
  if (columns == kPanel) {
    panel<V, Scalar, kVectors>(t, TileRows(dz.features), nullptr);
    return;
  }
  Scalar edge[kTileRows * kPanel] = {};  // rows of dw widened to whole vectors
  t.z = edge;
  t.z_row = kPanel;
  for (Index left = dz.features; left > 0;) {
    const Index rows = even_part(left, kTileRows);
    for (Index i = 0; i < rows; ++i) {
      for (Index k = 0; k < columns; ++k) edge[i * kPanel + k] = dw[i * dw_row + k];
    }
    panel<V, Scalar, kVectors>(t, TileRows(rows), nullptr);
    for (Index i = 0; i < rows; ++i) {
      for (Index k = 0; k < columns; ++k) dw[i * dw_row + k] = edge[i * kPanel + k];
    }
    t.a += rows * dz.stride;
    dw += rows * dw_row;
    left -= rows;
  }
}

template <typename Scalar>
void accumulate_outer(BlockView<const Scalar> dz,
                      BlockView<const Scalar> x,
                      MatrixView<Scalar> dw) {
  assert(dz.features == dw.rows && x.features == dw.columns && x.samples == dz.samples);
  assert(dw.column_stride == 1);
  using V = Simd<Scalar>;
  using Half = Simd256<Scalar>;
  constexpr Index kPanel = 2 * V::kWidth;
  alignas(64) Scalar xt[kSamplesAtATime * kPanel];
  for (Index n = 0; n < x.padded(); n += kSamplesAtATime) {
    const Index samples = smaller(kSamplesAtATime, x.padded() - n);
    for (Index k = 0; k < x.features; k += kPanel) {
      const Index columns = smaller(kPanel, x.features - k);
      const BlockView<const Scalar> part = x.rows(k, columns);
      Scalar* out = dw.data + k;
      if (columns <= Half::kWidth) {
        transpose_panel(part, n, samples, Half::kWidth, xt);
        outer_panel<Half, Scalar, 1>(dz, n, samples, xt, columns, out, dw.row_stride);
      } else if (columns <= V::kWidth) {
        transpose_panel(part, n, samples, V::kWidth, xt);
        outer_panel<V, Scalar, 1>(dz, n, samples, xt, columns, out, dw.row_stride);
      } else {
        transpose_panel(part, n, samples, kPanel, xt);
        outer_panel<V, Scalar, 2>(dz, n, samples, xt, columns, out, dw.row_stride);
      }
    }
  }
}

template <typename Scalar>
void backward_weight(const BatchedProduct& p,
                     BlockView<const Scalar> dz,
                     BlockView<const Scalar> x,
                     Scalar* dw) {
  for (Index g = 0; g < p.batches; ++g) {
    for (Index t = 0; t < p.rides; ++t) {
      accumulate_outer<Scalar>(dz.rows(g * p.z_batch + t * p.z_ride, p.rows, p.z_row),
                               x.rows(g * p.x_batch + t * p.x_ride, p.inner, p.x_row),
                               {dw + g * p.w_batch, p.rows, p.inner, p.w_row, 1});
    }
  }
}

const ProductKernels<float> kProductsFloat = {multiply<float>,
                                              accumulate_outer<float>,
                                              forward<float>,
                                              backward_input<float>,
                                              backward_weight<float>};
const ProductKernels<double> kProductsDouble = {multiply<double>,
                                                accumulate_outer<double>,
                                                forward<double>,
                                                backward_input<double>,
                                                backward_weight<double>};

}  // namespace einsearch::EINSEARCH_ISA
