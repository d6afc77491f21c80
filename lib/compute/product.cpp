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
// Speed, as a fraction of one core's peak (Zen 4, AVX-512, 64 samples): dense layers from 64 x 64 to
// 1024 x 256 0.8 to 0.94, 4096 x 1024 0.66 to 0.70; factors of block tensor trains from 16 x 32 on
// 0.68 to 0.93, 8 x 16 0.55 to 0.70; of rank 3, 0.2 to 0.7. `einsearch bench --names layer`.
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

/// The next part when `left` is cut evenly into as few parts of at most `most` as possible, all but
/// the last being multiples of `unit`.
constexpr Index even_part(Index left, Index most, Index unit) {
  const Index parts = (left + most - 1) / most;
  return smaller(left, ((left + parts - 1) / parts + unit - 1) / unit * unit);
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
  Index inner = 0;
  const Scalar* a = nullptr;  // a[i * a_row + k * a_column]
  Index a_row = 0, a_column = 0;
  const Scalar* x = nullptr;  // x[k * x_row + n]
  Index x_row = 0;
  Scalar* z = nullptr;  // z[i * z_row + n]
  Index z_row = 0;
  bool is_accumulated = false;   // sums start at z, not at zero
  const Scalar* bias = nullptr;  // they start higher by bias[i * bias_row]
  Index bias_row = 0;
  const Scalar* factor = nullptr;  // in the end they are multiplied by factor[i * z_row + n]
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
void panels(TileArguments<Scalar> t, const TileRows& deal, Index padded, Scalar* slope) {
  using V = Simd<Scalar>;
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
  if (deal.rows <= 3) run.template operator()<kMostVectors>();
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

/// z[g,t] = W[g] x[g,t]; strides in elements.
template <typename Scalar>
struct StridedProduct {
  MatrixView<const Scalar> w;  // of the first batch
  Index batches, rides;
  Index w_batch;
  const Scalar* x;
  Index x_batch, x_ride, x_row;
  Scalar* z;
  Index z_batch, z_ride, z_row;
  Index z_stride;  // of one row of z, which rows of the epilogue count in
  Index padded;    // samples
};

template <typename Scalar>
bool weights_are_copied(const StridedProduct<Scalar>& p) {
  constexpr Index kCopiesPay = 48;          // samples that each weight is multiplied with
  constexpr Index kFirstLevelCache = 2048;  // weights that stay there by themselves
  const Index size = p.w.rows * p.w.columns, stride = p.w.row_stride * p.w.column_stride;
  return p.rides * p.padded >= kCopiesPay && p.w.rows > 1 &&
         (size > kFirstLevelCache || stride > 256);
}

template <typename Scalar>
void multiply_batches(const StridedProduct<Scalar>& p, const Epilogue<Scalar>& epilogue) {
  const bool is_copied = weights_are_copied(p);
  const Index bias_batch = p.z_batch / p.z_stride, bias_ride = p.z_ride / p.z_stride;
  TileArguments<Scalar> t{.a_row = p.w.row_stride,
                          .a_column = p.w.column_stride,
                          .x_row = p.x_row,
                          .z_row = p.z_row,
                          .bias_row = p.z_row / p.z_stride};
  alignas(64) Scalar copy[kRowBlock * kInnerBlock];
  for (Index k = 0; k < p.w.columns; k += t.inner) {
    t.inner = even_part(p.w.columns - k, kInnerBlock, 1);
    t.is_accumulated = k > 0 || epilogue.store == Store::accumulate;
    const bool is_first = k == 0, is_last = k + t.inner == p.w.columns;
    const Scalar* bias = is_first ? epilogue.bias : nullptr;
    const Scalar* factor = is_last ? epilogue.factor : nullptr;
    Scalar* slope = is_last ? epilogue.slope : nullptr;
    Index rows = 0;
    for (Index m = 0; m < p.w.rows; m += rows) {
      rows = even_part(p.w.rows - m, kRowBlock, kTileRows);
      const TileRows deal(rows);
      for (Index g = 0; g < p.batches; ++g) {
        TileArguments<Scalar> part = t;
        part.a = p.w.data + g * p.w_batch + m * p.w.row_stride + k * p.w.column_stride;
        if (is_copied) copy_weights(part, rows, copy);
        for (Index ride = 0; ride < p.rides; ++ride) {
          const Index offset = g * p.z_batch + ride * p.z_ride + m * p.z_row;
          const Index row = g * bias_batch + ride * bias_ride + m * t.bias_row;
          part.x = p.x + g * p.x_batch + ride * p.x_ride + k * p.x_row;
          part.z = p.z + offset;
          if (bias != nullptr) part.bias = bias + row;
          if (factor != nullptr) part.factor = factor + offset;
          panels(part, deal, p.padded, slope != nullptr ? slope + offset : nullptr);
        }
      }
    }
  }
}

template <typename Scalar>
void multiply(MatrixView<const Scalar> w,
              BlockView<const Scalar> x,
              BlockView<Scalar> z,
              Store store) {
  assert(w.columns == x.features && w.rows == z.features && x.samples == z.samples);
  multiply_batches<Scalar>({.w = w,
                            .batches = 1,
                            .rides = 1,
                            .w_batch = 0,
                            .x = x.data,
                            .x_batch = 0,
                            .x_ride = 0,
                            .x_row = x.stride,
                            .z = z.data,
                            .z_batch = 0,
                            .z_ride = 0,
                            .z_row = z.stride,
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
  multiply_batches<Scalar>({.w = {w, p.rows, p.inner, p.w_row, 1},
                            .batches = p.batches,
                            .rides = p.rides,
                            .w_batch = p.w_batch,
                            .x = x.data,
                            .x_batch = p.x_batch * x.stride,
                            .x_ride = p.x_ride * x.stride,
                            .x_row = p.x_row * x.stride,
                            .z = z.data,
                            .z_batch = p.z_batch * z.stride,
                            .z_ride = p.z_ride * z.stride,
                            .z_row = p.z_row * z.stride,
                            .z_stride = z.stride,
                            .padded = x.padded()},
                           epilogue);
}

template <typename Scalar>
void backward_input(const BatchedProduct& p,
                    const Scalar* w,
                    BlockView<const Scalar> dz,
                    BlockView<Scalar> dx,
                    const Epilogue<Scalar>& epilogue) {
  multiply_batches<Scalar>({.w = {w, p.inner, p.rows, 1, p.w_row},
                            .batches = p.batches,
                            .rides = p.rides,
                            .w_batch = p.w_batch,
                            .x = dz.data,
                            .x_batch = p.z_batch * dz.stride,
                            .x_ride = p.z_ride * dz.stride,
                            .x_row = p.z_row * dz.stride,
                            .z = dx.data,
                            .z_batch = p.x_batch * dx.stride,
                            .z_ride = p.x_ride * dx.stride,
                            .z_row = p.x_row * dx.stride,
                            .z_stride = dx.stride,
                            .padded = dz.padded()},
                           epilogue);
}

/// xt[n * width + k] = x[k, n] for all padded samples n and k < width; zero for k beyond the
/// features of x.
template <typename Scalar>
void transpose_panel(BlockView<const Scalar> x, Index width, Scalar* xt) {
  using V = Simd256<Scalar>;
  static constexpr Scalar kZeros[V::kWidth] = {};
  for (Index k = 0; k < width; k += V::kWidth) {
    for (Index n = 0; n < x.padded(); n += V::kWidth) {
      const Scalar* rows[V::kWidth];
      for (Index i = 0; i < V::kWidth; ++i) {
        rows[i] = k + i < x.features ? x.row(k + i) + n : kZeros;
      }
      V::transpose(rows, xt + n * width + k, width);
    }
  }
}

/// dw[:, 0 ... columns) += dz xt, where xt has kVectors vectors of columns, `columns` of them real.
template <typename V, typename Scalar, int kVectors>
void outer_panel(BlockView<const Scalar> dz,
                 const Scalar* xt,
                 Index columns,
                 MatrixView<Scalar> dw,
                 const TileRows& deal) {
  constexpr Index kPanel = kVectors * V::kWidth;
  TileArguments<Scalar> t{.inner = dz.padded(),
                          .a = dz.data,
                          .a_row = dz.stride,
                          .a_column = 1,
                          .x = xt,
                          .x_row = kPanel,
                          .z = dw.data,
                          .z_row = dw.row_stride,
                          .is_accumulated = true};
  if (columns == kPanel) {
    panel<V, Scalar, kVectors>(t, deal, nullptr);
    return;
  }
  Scalar edge[kTileRows * kPanel] = {};  // rows of dw widened to whole vectors
  t.z = edge;
  t.z_row = kPanel;
  for (Index tile = 0; tile < deal.tiles; ++tile) {
    const Index rows = tile < deal.larger ? deal.rows : deal.rows - 1;
    for (Index i = 0; i < rows; ++i) {
      for (Index k = 0; k < columns; ++k) edge[i * kPanel + k] = dw.data[i * dw.row_stride + k];
    }
    Tiles<V, Scalar, kVectors>::kOfRows[rows - 1](t);
    for (Index i = 0; i < rows; ++i) {
      for (Index k = 0; k < columns; ++k) dw.data[i * dw.row_stride + k] = edge[i * kPanel + k];
    }
    t.a += rows * dz.stride;
    dw.data += rows * dw.row_stride;
  }
}

/// dW += dz x^T for at most kSamplesAtATime samples.
template <typename Scalar>
void accumulate_outer_part(BlockView<const Scalar> dz,
                           BlockView<const Scalar> x,
                           MatrixView<Scalar> dw,
                           const TileRows& deal) {
  using V = Simd<Scalar>;
  using Half = Simd256<Scalar>;
  constexpr Index kPanel = 2 * V::kWidth;
  alignas(64) Scalar xt[kSamplesAtATime * kPanel];
  for (Index k = 0; k < x.features; k += kPanel) {
    const Index columns = smaller(kPanel, x.features - k);
    const BlockView<const Scalar> part = x.rows(k, columns);
    const MatrixView<Scalar> out{dw.data + k, dw.rows, columns, dw.row_stride, 1};
    if (columns <= Half::kWidth) {
      transpose_panel(part, Half::kWidth, xt);
      outer_panel<Half, Scalar, 1>(dz, xt, columns, out, deal);
    } else if (columns <= V::kWidth) {
      transpose_panel(part, V::kWidth, xt);
      outer_panel<V, Scalar, 1>(dz, xt, columns, out, deal);
    } else {
      transpose_panel(part, kPanel, xt);
      outer_panel<V, Scalar, 2>(dz, xt, columns, out, deal);
    }
  }
}

/// Samples first ... first + kSamplesAtATime - 1 of a block.
template <typename Scalar>
BlockView<const Scalar> samples_from(BlockView<const Scalar> block, Index first) {
  return {block.data + first,
          block.features,
          smaller(kSamplesAtATime, block.samples - first),
          block.stride};
}

template <typename Scalar>
void backward_weight(const BatchedProduct& p,
                     BlockView<const Scalar> dz,
                     BlockView<const Scalar> x,
                     Scalar* dw) {
  const TileRows deal(p.rows);
  for (Index g = 0; g < p.batches; ++g) {
    const MatrixView<Scalar> out{dw + g * p.w_batch, p.rows, p.inner, p.w_row, 1};
    for (Index t = 0; t < p.rides; ++t) {
      const BlockView<const Scalar> dz_part =
          dz.rows(g * p.z_batch + t * p.z_ride, p.rows, p.z_row);
      const BlockView<const Scalar> x_part = x.rows(g * p.x_batch + t * p.x_ride, p.inner, p.x_row);
      for (Index n = 0; n < x.samples; n += kSamplesAtATime) {
        accumulate_outer_part(samples_from(dz_part, n), samples_from(x_part, n), out, deal);
      }
    }
  }
}

template <typename Scalar>
void accumulate_outer(BlockView<const Scalar> dz,
                      BlockView<const Scalar> x,
                      MatrixView<Scalar> dw) {
  assert(dz.features == dw.rows && x.features == dw.columns && x.samples == dz.samples);
  assert(dw.column_stride == 1);
  const BatchedProduct product{.rows = dw.rows, .inner = dw.columns, .w_row = dw.row_stride};
  backward_weight(product, dz, x, dw.data);
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
