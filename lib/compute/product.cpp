// Register-tiled products: y = W x with a small tile of y in registers.
//
// Tile. 8 rows of z by 2 vectors of samples (AVX2: 6 by 2); strips of tiles below each other: see
// compute/strip.h.
//
// Cache. Loops around the tile: kInnerBlock values of the inner index, so that a panel of x (16 or
// 32 samples) stays in the first-level cache; kTilesAtATime tiles, whose weights stay in the
// second; batches; then panels of samples. Batches run inside a strip, since small factors have a
// few tiles per batch, and what comes before the first of them counts. Weights are read through
// strides, so the same code serves W, its transpose and every batch of a structured layer; packed
// once per step in the order in which tiles read them, they come as one stream, and rows that lie a
// power of two apart do not evict each other. Long streams of weights, and large gradients' tiles,
// are asked for a little early (widths of 512 and more: 1.1 to 1.2 times as fast, AVX-512). Sums
// start from the bias; a factor and GELU are applied before a tile leaves the registers.
//
// Weight gradient. The same tile with the roles turned: x is transposed in cache, then samples are
// the inner index and features the lanes. Where x has no more features than half a register, dz is
// transposed instead, if it has more, and dW^T is summed.
//
// Speed, as a fraction of one core's peak (`einsearch bench --names layer --structures dense,btt
// --batches 1024 --threads 1`; Zen 3, AVX2; both layers of a block, forward and backward): dense
// 0.89, 0.86, 0.75 at widths 64, 256, 1024; block tensor trains 0.57, 0.65, 0.46, since a store
// costs as much as several multiply-adds and factors of 8 have one store for 8 of them.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/product.h"

#include "compute/kernel_tables.h"
#include "compute/simd.h"
#include "compute/strip.h"

namespace einsearch::EINSEARCH_ISA {

constexpr Index kInnerBlock = 256;         // inner indices per pass
constexpr Index kTilesAtATime = 16;        // whose weights stay in the second-level cache
constexpr Index kLongInner = 64;           // from which on weights are asked for early
constexpr Index kLargeGradient = 1 << 17;  // bytes; a smaller one is in the cache anyway
constexpr Index kSamplesAtATime = 256;     // of a weight gradient's transposed panel

/// The next part when `left` is cut evenly into as few parts of at most `most` as possible.
constexpr Index even_part(Index left, Index most) {
  const Index parts = (left + most - 1) / most;
  return (left + parts - 1) / parts;
}

/// A strip of tiles of `rows` rows against a block of `padded` samples.
template <typename Scalar>
void strip_of_block(StripArguments<Scalar>& t, Index rows, Index padded) {
  using V = Simd<Scalar>;
  Index n = 0;
  const auto run = [&]<int kVectors>() {
    constexpr Index kPanel = kVectors * V::kWidth;
    t.panels = (padded - n) / kPanel;
    if (t.panels == 0) return;
    Strips<V, Scalar, kVectors>::kOfRows[rows - 1](t);
    const Index done = t.panels * kPanel;
    n += done;
    t.x += done;
    t.z += done;
    if (t.factor != nullptr) t.factor += done;
    if (t.slope != nullptr) t.slope += done;
  };
  if (rows <= 3) run.template operator()<kMostVectors>();
  run.template operator()<2>();
  run.template operator()<1>();
}

/// packed[k * rows + r] = w[r * row_stride + k] for the rows of one tile. Vectors that are stored
/// run over into the next, so the last inner indices are copied number by number.
template <typename Scalar>
void pack_rows(const Scalar* w, Index row_stride, Index rows, Index inner, Scalar* packed) {
  using V = Simd256<Scalar>;
  Index k = 0;
  if constexpr (V::kWidth >= kMostRows) {
    const auto from = [&](Index r) { return w + smaller(r, rows - 1) * row_stride + k; };
    for (; (k + V::kWidth) * rows + V::kWidth <= inner * rows; k += V::kWidth)
      V::transpose(from, packed + k * rows, rows);
  }
  for (Index r = 0; r < rows; ++r) {
    for (Index i = k; i < inner; ++i) packed[i * rows + r] = w[r * row_stride + i];
  }
}

/// packed[k * rows + r] = w[r + k * column_stride], in the same way.
template <typename Scalar>
void pack_columns(const Scalar* w, Index column_stride, Index rows, Index inner, Scalar* packed) {
  using V = Simd256<Scalar>;
  Index k = 0;
  if constexpr (V::kWidth >= kMostRows) {
    for (; (k + 1) * rows + V::kWidth <= inner * rows && column_stride >= V::kWidth; ++k)
      V::store(packed + k * rows, V::load(w + k * column_stride));
  }
  for (; k < inner; ++k) {
    for (Index r = 0; r < rows; ++r) packed[k * rows + r] = w[k * column_stride + r];
  }
}

/// Weights in the order in which tiles read them: tile by tile, in a tile by inner index, then row.
/// Rows or columns of w are contiguous.
template <typename Scalar>
void pack_tiles(MatrixView<const Scalar> w, const TileRows& deal, Scalar* packed) {
  for (Index i = 0; i < deal.tiles; ++i) {
    const Index first = deal.begin(i), rows = deal.begin(i + 1) - first;
    const Scalar* from = w.data + first * w.row_stride;
    if (w.row_stride == 1) {
      pack_columns(from, w.column_stride, rows, w.columns, packed);
    } else {
      pack_rows(from, w.row_stride, rows, w.columns, packed);
    }
    packed += rows * w.columns;
  }
}

template <typename Scalar>
void pack(MatrixView<const Scalar> w, Scalar* packed) {
  pack_tiles(w, TileRows(w.rows), packed);
}

/// z[g,t] = W[g] x[g,t]; strides in elements.
template <typename Scalar>
struct StridedProduct {
  MatrixView<const Scalar> w;  // of the first batch
  Index w_batch;
  const Scalar* packed;  // the same, packed batch by batch; null: not packed
  bool are_weights_far = false;
  Index batches, rides;
  const Scalar* x;
  Index x_batch, x_ride, x_row;
  Scalar* z;
  Index z_batch, z_ride, z_row;
  Index z_stride;  // of one row of z, which rows of the epilogue count in
  Index padded;    // samples
};

template <typename Scalar>
void multiply_batches(const StridedProduct<Scalar>& p, const Epilogue<Scalar>& epilogue) {
  const bool is_packed = p.packed != nullptr;
  const Index inner = p.w.columns, batch_size = p.w.rows * inner;
  const Index bias_ride = p.z_ride / p.z_stride;
  const TileRows deal(p.w.rows);
  StripArguments<Scalar> t{.batches = p.batches,
                           .a_batch = is_packed ? batch_size : p.w_batch,
                           .x_batch = p.x_batch,
                           .z_batch = p.z_batch,
                           .bias_batch = p.z_batch / p.z_stride,
                           .a_row = is_packed ? 1 : p.w.row_stride,
                           .x_row = p.x_row,
                           .z_row = p.z_row,
                           .fetches_weights = p.are_weights_far || inner >= kLongInner,
                           .bias_row = p.z_row / p.z_stride};
  for (Index k = 0; k < inner; k += t.inner) {
    t.inner = even_part(inner - k, kInnerBlock);
    t.is_accumulated = k > 0 || epilogue.store == Store::accumulate;
    const bool is_first = k == 0, is_last = k + t.inner == inner;
    for (Index tile = 0; tile < deal.tiles; tile += t.tiles) {
      // Tiles of equally many rows: first those of deal.rows, then those of one less.
      const Index end = tile < deal.full ? deal.full : deal.tiles;
      const Index rows = tile < deal.full ? deal.rows : deal.rows - 1, first = deal.begin(tile);
      t.tiles = even_part(end - tile, kTilesAtATime);
      t.a_tile = rows * (is_packed ? inner : p.w.row_stride);
      t.a_column = is_packed ? rows : p.w.column_stride;
      const Index a_offset =
          is_packed ? first * inner + k * rows : first * p.w.row_stride + k * p.w.column_stride;
      t.a = (is_packed ? p.packed : p.w.data) + a_offset;
      for (Index ride = 0; ride < p.rides; ++ride) {
        const Index offset = ride * p.z_ride + first * p.z_row;
        t.x = p.x + ride * p.x_ride + k * p.x_row;
        t.z = p.z + offset;
        if (is_first && epilogue.bias != nullptr)
          t.bias = epilogue.bias + ride * bias_ride + first * t.bias_row;
        if (is_last && epilogue.factor != nullptr) t.factor = epilogue.factor + offset;
        if (is_last && epilogue.slope != nullptr) t.slope = epilogue.slope + offset;
        strip_of_block(t, rows, p.padded);
      }
    }
    t.bias = nullptr;
  }
}

template <typename Scalar>
void multiply(MatrixView<const Scalar> w,
              BlockView<const Scalar> x,
              BlockView<Scalar> z,
              Store store) {
  assert(w.columns == x.features && w.rows == z.features && x.samples == z.samples);
  multiply_batches<Scalar>({.w = w,
                            .w_batch = 0,
                            .packed = nullptr,
                            .batches = 1,
                            .rides = 1,
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
             FactorWeights<Scalar> w,
             BlockView<const Scalar> x,
             BlockView<Scalar> z,
             const Epilogue<Scalar>& epilogue) {
  // Packed part by part, a product is multiplied part by part, each a product of its own.
  assert(w.packed == nullptr || p.part_rows == 0 || p.part_rows >= p.rows);
  multiply_batches<Scalar>({.w = {w.plain, p.rows, p.inner, p.w_row, 1},
                            .w_batch = p.w_batch,
                            .packed = w.packed,
                            .are_weights_far = w.is_far,
                            .batches = p.batches,
                            .rides = p.rides,
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
                    FactorWeights<Scalar> w,
                    BlockView<const Scalar> dz,
                    BlockView<Scalar> dx,
                    const Epilogue<Scalar>& epilogue) {
  assert(w.packed == nullptr || p.part_rows == 0 || p.part_rows >= p.rows);
  multiply_batches<Scalar>({.w = {w.plain, p.inner, p.rows, 1, p.w_row},
                            .w_batch = p.w_batch,
                            .packed = w.packed,
                            .are_weights_far = w.is_far,
                            .batches = p.batches,
                            .rides = p.rides,
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
      for (Index i = 0; i < smaller(V::kWidth, from.rows - r); ++i)
        to[c * to_stride + r + i] = row[i * from.row_stride + c];
    }
  }
}

/// xt[n * width + k] = x[k, n] for all padded samples n and k < width; zero for k beyond the
/// features of x.
template <typename Scalar>
void transpose_panel(BlockView<const Scalar> x, Index width, Scalar* xt) {
  const Index padded = x.padded();
  if (x.features < width) {
    for (Index n = 0; n < padded; ++n) {
      for (Index k = x.features; k < width; ++k) xt[n * width + k] = 0;
    }
  }
  transpose_matrix<Scalar>({x.data, x.features, padded, x.stride, 1}, xt, width);
}

/// dw[:, 0 ... columns) += dz xt, where xt has kVectors vectors of columns, `columns` of them real.
template <typename V, typename Scalar, int kVectors>
void outer_panel(BlockView<const Scalar> dz,
                 const Scalar* xt,
                 Index columns,
                 MatrixView<Scalar> dw) {
  using Table = Strips<V, Scalar, kVectors>;
  constexpr Index kPanel = kVectors * V::kWidth;
  const TileRows deal(dw.rows, Table::kMost);
  Scalar edge[kMostRows * kPanel];  // a tile of dw widened to whole vectors
  const bool is_whole = columns == kPanel;
  StripArguments<Scalar> t{
      .inner = dz.padded(),
      .a_row = dz.stride,
      .a_column = 1,
      .x = xt,
      .x_row = kPanel,
      .fetches_sums = dw.rows * dw.row_stride * Index{sizeof(Scalar)} >= kLargeGradient,
      .is_accumulated = true};
  Index tiles = 0;
  for (Index i = 0; i < deal.tiles; i += tiles) {
    const Index rows = i < deal.full ? deal.rows : deal.rows - 1;
    tiles = is_whole ? (i < deal.full ? deal.full : deal.tiles) - i : 1;
    Scalar* out = dw.data + deal.begin(i) * dw.row_stride;
    t.tiles = tiles;
    t.a = dz.row(deal.begin(i));
    t.a_tile = rows * dz.stride;
    t.z = is_whole ? out : edge;
    t.z_row = is_whole ? dw.row_stride : kPanel;
    if (!is_whole) {
      for (Index r = 0; r < rows; ++r) {
        for (Index k = 0; k < kPanel; ++k)
          edge[r * kPanel + k] = k < columns ? out[r * dw.row_stride + k] : Scalar{0};
      }
    }
    Table::kOfRows[rows - 1](t);
    if (!is_whole) {
      for (Index r = 0; r < rows; ++r) {
        for (Index k = 0; k < columns; ++k) out[r * dw.row_stride + k] = edge[r * kPanel + k];
      }
    }
  }
}

/// dW += dz x^T for at most kSamplesAtATime samples.
template <typename Scalar>
void accumulate_outer_part(BlockView<const Scalar> dz,
                           BlockView<const Scalar> x,
                           MatrixView<Scalar> dw) {
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
      outer_panel<Half, Scalar, 1>(dz, xt, columns, out);
    } else if (columns <= V::kWidth) {
      transpose_panel(part, V::kWidth, xt);
      outer_panel<V, Scalar, 1>(dz, xt, columns, out);
    } else {
      transpose_panel(part, kPanel, xt);
      outer_panel<V, Scalar, 2>(dz, xt, columns, out);
    }
  }
}

/// dW^T += x dz^T for an x of few features, which would leave half of each register idle.
template <typename Scalar>
void accumulate_outer_turned(BlockView<const Scalar> dz,
                             BlockView<const Scalar> x,
                             MatrixView<Scalar> dw) {
  constexpr Index kPanel = 2 * Simd<Scalar>::kWidth;
  Scalar turned[Simd256<Scalar>::kWidth * kPanel];
  for (Index m = 0; m < dw.rows; m += kPanel) {
    const Index rows = smaller(kPanel, dw.rows - m);
    Scalar* own = dw.data + m * dw.row_stride;
    transpose_matrix<Scalar>({own, rows, dw.columns, dw.row_stride, 1}, turned, kPanel);
    accumulate_outer_part<Scalar>(x, dz.rows(m, rows), {turned, dw.columns, rows, kPanel, 1});
    transpose_matrix<Scalar>({turned, dw.columns, rows, kPanel, 1}, own, dw.row_stride);
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
  constexpr Index kFew = Simd256<Scalar>::kWidth;
  const bool is_turned = kFew < Simd<Scalar>::kWidth && p.inner <= kFew && p.rows > kFew;
  const auto accumulate =
      is_turned ? accumulate_outer_turned<Scalar> : accumulate_outer_part<Scalar>;
  for (Index g = 0; g < p.batches; ++g) {
    const MatrixView<Scalar> out{dw + g * p.w_batch, p.rows, p.inner, p.w_row, 1};
    for (Index t = 0; t < p.rides; ++t) {
      const BlockView<const Scalar> dz_part =
          dz.rows(g * p.z_batch + t * p.z_ride, p.rows, p.z_row);
      const BlockView<const Scalar> x_part = x.rows(g * p.x_batch + t * p.x_ride, p.inner, p.x_row);
      for (Index n = 0; n < x.samples; n += kSamplesAtATime) {
        accumulate(samples_from(dz_part, n), samples_from(x_part, n), out);
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
                                              pack<float>,
                                              forward<float>,
                                              backward_input<float>,
                                              backward_weight<float>};
const ProductKernels<double> kProductsDouble = {multiply<double>,
                                                accumulate_outer<double>,
                                                pack<double>,
                                                forward<double>,
                                                backward_input<double>,
                                                backward_weight<double>};

}  // namespace einsearch::EINSEARCH_ISA
