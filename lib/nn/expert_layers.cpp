#include "nn/expert_layers.h"

#include <algorithm>
#include <cassert>

#include "compute/elementwise.h"

namespace einsearch {
namespace {

constexpr Index kBandRows = 128;  // of x or y, unless one batch has more

/// Some batches of a step. Their rows of x and of y lie next to each other, those of z do not.
struct Band {
  BatchedProduct product;
  Index batch = 0;                         // the first one
  Index source_row = 0, target_row = 0;    // the first ones
  Index source_rows = 0, target_rows = 0;  // how many
};

template <typename Body>
void for_each_band(const Linear::Step& step, const Body& body) {
  const BatchedProduct& p = step.product;
  const Index rows =
      std::max(step.reads_input ? p.rides * p.inner : 1, step.makes_output ? p.rides * p.rows : 1);
  const Index most = std::clamp<Index>(kBandRows / rows, 1, p.batches);
  for (Index batch = 0; batch < p.batches; batch += most) {
    Band band{.product = p, .batch = batch};
    band.product.batches = std::min(most, p.batches - batch);
    band.source_row = batch * p.x_batch;
    band.source_rows = band.product.x_features();
    band.target_row = batch * p.z_batch + (step.makes_output ? step.output_row : 0);
    band.target_rows = band.product.z_features();
    body(band);
  }
}

/// The weights of a band. The experts' together do not stay in the cache from block to block.
template <typename Scalar>
FactorWeights<Scalar> weights_of(const Band& band, const FactorWeights<Scalar>& all) {
  FactorWeights<Scalar> own = all.from_batch(band.product, band.batch);
  own.is_far = true;
  return own;
}

/// Rows from `first` on, `count` of them if the block has as many.
template <typename Scalar>
BlockView<Scalar> rows_of(BlockView<Scalar> block, Index first, Index count) {
  const Index begin = std::min(first, block.features);
  return block.rows(begin, std::min(count, block.features - begin));
}

/// Rooms for columns inside the scratch memory, one behind the other; what a copy takes is free
/// again for the original.
template <typename Scalar>
class Rooms {
 public:
  Rooms(const ExpertPass<Scalar>& pass, Scalar* scratch)
      : row_size_(pass.row_size), next_(scratch) {}

  ColumnRows<Scalar> take(Index features) {
    Scalar* room = std::exchange(next_, next_ + features * row_size_);
    return {room, features, 0, features};
  }

 private:
  Index row_size_;
  Scalar* next_;
};

/// Rows of what the experts read.
template <typename Scalar>
ColumnRows<const Scalar> read_rows(const ExpertPass<Scalar>& pass,
                                   const ExpertBlock<const Scalar>& from,
                                   RouteWeights weights,
                                   Index first,
                                   Index count,
                                   Rooms<Scalar>& rooms) {
  if (from.samples.data == nullptr) return from.columns.rows(first, count);
  const ColumnRows<Scalar> copies = rooms.take(count);
  mixture_kernels<Scalar>().gather(
      pass.routes, weights, rows_of(from.samples, first, count), copies);
  return copies;
}

/// Rows of columns for what the experts make.
template <typename Scalar>
ColumnRows<Scalar> rows_to_make(const ExpertBlock<Scalar>& to,
                                Index first,
                                Index count,
                                Rooms<Scalar>& rooms) {
  return to.columns.room != nullptr ? to.columns.rows(first, count) : rooms.take(count);
}

template <typename Scalar>
void add_bias_dots(const Scalar* bias, BlockView<const Scalar> dy, Scalar* sum) {
  for (Index f = 0; f < dy.features; ++f) {
    for (Index n = 0; n < dy.samples; ++n) sum[n] += bias[f] * dy.row(f)[n];
  }
}

/// Forward, one step at a time.
template <typename Scalar>
struct ForwardWalk {
  const std::vector<Linear>& layers;
  const ExpertPass<Scalar>& pass;
  const ExpertBlock<const Scalar>& x;
  const ExpertBlock<Scalar>& y;
  Store store;
  ColumnRows<Scalar> slope;

  /// z: rows of the step's part.
  void run(Index index, ColumnRows<Scalar> z, Rooms<Scalar> free) const {
    const Linear::Step step = layers.front().step(index);
    for_each_band(step, [&](const Band& band) {
      Rooms<Scalar> rooms = free;
      const ColumnRows<const Scalar> source =
          step.reads_input
              ? read_rows(pass, x, RouteWeights::none, band.source_row, band.source_rows, rooms)
              : z.from(band.source_row);
      const ColumnRows<Scalar> target =
          step.makes_output ? rows_to_make(y, band.target_row, band.target_rows, rooms)
                            : z.from(band.target_row);
      for (std::size_t e = 0; e < layers.size(); ++e)
        if (pass.experts[e].count > 0) multiply(e, index, step, band, source, target);
      if (!step.makes_output || y.samples.data == nullptr) return;
      mixture_kernels<Scalar>().scatter(pass.routes,
                                        RouteWeights::own,
                                        target,
                                        rows_of(y.samples, band.target_row, band.target_rows),
                                        store);
    });
  }

 private:
  void multiply(std::size_t expert,
                Index index,
                const Linear::Step& step,
                const Band& band,
                ColumnRows<const Scalar> source,
                ColumnRows<Scalar> target) const {
    const ExpertColumns<Scalar>& own = pass.experts[expert];
    Epilogue<Scalar> epilogue;
    if (const auto bias = layers[expert].bias_offset(); bias && step.makes_output)
      epilogue.bias = pass.weights + *bias + band.target_row;
    if (slope.room != nullptr && step.makes_output)
      epilogue.slope = slope.of(own).row(band.target_row);
    const Index weights = layers[expert].step(index).weights;
    products<Scalar>().forward(band.product,
                               weights_of(band, pass.weights.of_forward(weights)),
                               source.of(own),
                               target.of(own),
                               epilogue);
  }
};

/// Backward, one step at a time.
template <typename Scalar>
struct BackwardWalk {
  const std::vector<Linear>& layers;
  const ExpertPass<Scalar>& pass;
  const ExpertBlock<const Scalar>& x;
  const ExpertBlock<const Scalar>& dy;
  const ExpertBlock<Scalar>& dx;
  Scalar* gradient;
  Store store;

  /// z and dz: rows of the step's part. Parts after the first add to dx.
  void run(Index index,
           bool is_first_part,
           ColumnRows<const Scalar> z,
           ColumnRows<Scalar> dz,
           Rooms<Scalar> free) const {
    const Linear::Step step = layers.front().step(index);
    const Store own_store = is_first_part ? store : Store::accumulate;
    for_each_band(step, [&](const Band& band) {
      Rooms<Scalar> rooms = free;
      const ColumnRows<const Scalar> dtarget =
          step.makes_output
              ? read_rows(pass, dy, RouteWeights::own, band.target_row, band.target_rows, rooms)
              : dz.from(band.target_row);
      const ColumnRows<const Scalar> source =
          step.reads_input
              ? read_rows(pass, x, RouteWeights::none, band.source_row, band.source_rows, rooms)
              : z.from(band.source_row);
      const ColumnRows<Scalar> dsource =
          !step.reads_input ? dz.from(band.source_row)
          : is_first_part   ? rows_to_make(dx, band.source_row, band.source_rows, rooms)
                            : rooms.take(band.source_rows);
      for (std::size_t e = 0; e < layers.size(); ++e)
        if (pass.experts[e].count > 0) multiply(e, index, step, band, dtarget, source, dsource);
      if (!step.reads_input) return;
      if (dx.samples.data != nullptr) {
        mixture_kernels<Scalar>().scatter(pass.routes,
                                          RouteWeights::none,
                                          dsource,
                                          rows_of(dx.samples, band.source_row, band.source_rows),
                                          own_store);
      } else if (dx.columns.room != nullptr && !is_first_part) {
        add_columns(dsource, dx.columns.rows(band.source_row, band.source_rows));
      }
    });
  }

 private:
  void multiply(std::size_t expert,
                Index index,
                const Linear::Step& step,
                const Band& band,
                ColumnRows<const Scalar> dtarget,
                ColumnRows<const Scalar> source,
                ColumnRows<Scalar> dsource) const {
    const ExpertColumns<Scalar>& own = pass.experts[expert];
    const bool has_weights = dy.samples.data != nullptr;
    const BlockView<const Scalar> dout = dtarget.of(own), in = source.of(own);
    if (const auto bias = layers[expert].bias_offset(); bias && step.makes_output) {
      const Index first = *bias + band.target_row;
      elementwise<Scalar>().accumulate_bias_gradient(dout, gradient + first);
      if (has_weights) add_bias_dots(pass.weights + first, dout, own.slope);
    }
    const Index weights = layers[expert].step(index).weights;
    const ProductKernels<Scalar>& product = products<Scalar>();
    product.backward_weight(
        band.product, dout, in, gradient + weights + band.batch * step.product.w_batch);
    product.backward_input(band.product,
                           weights_of(band, pass.weights.of_backward(weights)),
                           dout,
                           dsource.of(own),
                           {});
    if (step.reads_input && has_weights)
      mixture_kernels<Scalar>().add_column_dots(dsource.of(own), in, own.slope);
  }

  void add_columns(ColumnRows<const Scalar> more, ColumnRows<Scalar> sum) const {
    for (const ExpertColumns<Scalar>& own : pass.experts)
      if (own.count > 0) elementwise<Scalar>().add(more.of(own), sum.of(own));
  }
};

}  // namespace

Index ExpertLayers::scratch_features() const {
  Index band_rows = 0;
  const Linear& layer = experts_.front();
  for (Index i = 0; i < layer.steps(); ++i) {
    const Linear::Step step = layer.step(i);
    for_each_band(step, [&](const Band& band) {
      band_rows = std::max(band_rows,
                           (step.reads_input ? 2 * band.source_rows : 0) +
                               (step.makes_output ? band.target_rows : 0));
    });
  }
  return layer.part_features() * (layer.recomputes_hidden() ? 2 : 1) + band_rows;
}

template <typename Scalar>
void ExpertLayers::forward(const ExpertPass<Scalar>& pass,
                           const ExpertBlock<const Scalar>& x,
                           const ExpertBlock<Scalar>& y,
                           Scalar* saved,
                           Scalar* scratch,
                           Store store,
                           ColumnRows<Scalar> slope) const {
  assert(slope.room == nullptr || y.samples.data == nullptr);
  const Linear& layer = experts_.front();
  const ForwardWalk<Scalar> walk{experts_, pass, x, y, store, slope};
  Rooms<Scalar> rooms(pass, scratch);
  const ColumnRows<Scalar> all_z{saved, saved_features(), 0, saved_features()};
  const ColumnRows<Scalar> part_z =
      layer.recomputes_hidden() ? rooms.take(layer.part_features()) : ColumnRows<Scalar>{};
  for (Index i = 0; i < layer.steps(); ++i) {
    const ColumnRows<Scalar> z =
        layer.recomputes_hidden() ? part_z : all_z.from(layer.step(i).hidden_row);
    walk.run(i, z, rooms);
  }
}

template <typename Scalar>
void ExpertLayers::backward(const ExpertPass<Scalar>& pass,
                            const ExpertBlock<const Scalar>& x,
                            const Scalar* saved,
                            const ExpertBlock<const Scalar>& dy,
                            const ExpertBlock<Scalar>& dx,
                            Scalar* scratch,
                            Scalar* gradient,
                            Store store) const {
  const Linear& layer = experts_.front();
  const ExpertBlock<Scalar> nothing;
  const ForwardWalk<Scalar> again{experts_, pass, x, nothing, Store::overwrite, {}};
  const BackwardWalk<Scalar> walk{experts_, pass, x, dy, dx, gradient, store};
  Rooms<Scalar> rooms(pass, scratch);
  const ColumnRows<Scalar> dz = rooms.take(layer.part_features());
  const ColumnRows<Scalar> part_z =
      layer.recomputes_hidden() ? rooms.take(layer.part_features()) : ColumnRows<Scalar>{};
  const ColumnRows<const Scalar> all_z{saved, saved_features(), 0, saved_features()};
  const Index steps_of_part = shape().is_dense ? 1 : 2;
  for (Index first = 0; first < layer.steps(); first += steps_of_part) {
    if (layer.recomputes_hidden()) again.run(first, part_z, rooms);
    const ColumnRows<const Scalar> z = layer.recomputes_hidden()
                                           ? ColumnRows<const Scalar>(part_z)
                                           : all_z.from(layer.step(first).hidden_row);
    for (Index i = first + steps_of_part - 1; i >= first; --i)
      walk.run(i, first == 0, z, dz, rooms);
  }
}

template void ExpertLayers::forward<float>(const ExpertPass<float>&,
                                           const ExpertBlock<const float>&,
                                           const ExpertBlock<float>&,
                                           float*,
                                           float*,
                                           Store,
                                           ColumnRows<float>) const;
template void ExpertLayers::forward<double>(const ExpertPass<double>&,
                                            const ExpertBlock<const double>&,
                                            const ExpertBlock<double>&,
                                            double*,
                                            double*,
                                            Store,
                                            ColumnRows<double>) const;
template void ExpertLayers::backward<float>(const ExpertPass<float>&,
                                            const ExpertBlock<const float>&,
                                            const float*,
                                            const ExpertBlock<const float>&,
                                            const ExpertBlock<float>&,
                                            float*,
                                            float*,
                                            Store) const;
template void ExpertLayers::backward<double>(const ExpertPass<double>&,
                                             const ExpertBlock<const double>&,
                                             const double*,
                                             const ExpertBlock<const double>&,
                                             const ExpertBlock<double>&,
                                             double*,
                                             double*,
                                             Store) const;

}  // namespace einsearch
