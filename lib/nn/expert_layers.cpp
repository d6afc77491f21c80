#include "nn/expert_layers.h"

#include <algorithm>

#include "compute/elementwise.h"

namespace einsearch {
namespace {

constexpr Index kRowsAtATime = 128;  // of x or y, unless one batch has more

/// Some batches of a step, and the rows that they read and make.
struct Band {
  BatchedProduct product;
  Index batch = 0;  // the first one
  Index source_row = 0, source_rows = 0, target_row = 0, target_rows = 0;
};

template <typename Body>
void for_each_band(const Linear::Step& step, const Body& body) {
  const BatchedProduct& p = step.product;
  const Index rows =
      std::max(step.reads_input ? p.rides * p.inner : 1, step.makes_output ? p.rides * p.rows : 1);
  const Index most = std::clamp<Index>(kRowsAtATime / rows, 1, p.batches);
  for (Index batch = 0; batch < p.batches; batch += most) {
    Band band{.product = p, .batch = batch};
    band.product.batches = std::min(most, p.batches - batch);
    band.source_row = batch * p.x_batch;
    band.source_rows = band.product.x_features();
    band.target_row = batch * p.z_batch;
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

/// Rooms for columns inside the scratch memory, one behind the other.
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

}  // namespace

Index ExpertLayers::scratch_features() const {
  Index most = 0;
  const Linear& layer = experts_.front();
  for (Index i = 0; i < layer.steps(); ++i) {
    const Linear::Step step = layer.step(i);
    for_each_band(step, [&](const Band& band) {
      most = std::max(most,
                      (step.reads_input ? 2 * band.source_rows : 0) +
                          (step.makes_output ? band.target_rows : 0));
    });
  }
  return saved_features() + most;
}

template <typename Scalar>
void ExpertLayers::forward(const ExpertPass<Scalar>& pass,
                           const ExpertBlock<const Scalar>& x,
                           const ExpertBlock<Scalar>& y,
                           Scalar* saved,
                           Scalar* scratch,
                           Store store,
                           ColumnRows<Scalar> slope) const {
  const ColumnRows<Scalar> z{saved, saved_features(), 0, saved_features()};
  for (Index i = 0; i < experts_.front().steps(); ++i) {
    const Linear::Step step = experts_.front().step(i);
    for_each_band(step, [&](const Band& band) {
      Rooms<Scalar> rooms(pass, scratch);
      const ColumnRows<const Scalar> source =
          step.reads_input
              ? read_rows(pass, x, RouteWeights::none, band.source_row, band.source_rows, rooms)
              : z.rows(band.source_row, band.source_rows);
      const ColumnRows<Scalar> target =
          step.makes_output ? rows_to_make(y, band.target_row, band.target_rows, rooms)
                            : z.rows(band.target_row, band.target_rows);
      for (std::size_t e = 0; e < experts_.size(); ++e) {
        const ExpertColumns<Scalar>& own = pass.columns[e];
        if (own.count == 0) continue;
        Epilogue<Scalar> epilogue;
        if (const auto bias = experts_[e].bias_offset(); bias && step.makes_output)
          epilogue.bias = pass.weights + *bias + band.target_row;
        if (slope.room != nullptr && step.makes_output)
          epilogue.slope = slope.of(own).row(band.target_row);
        products<Scalar>().forward(
            band.product,
            weights_of(band, pass.weights.of_forward(experts_[e].step(i).weights)),
            source.of(own),
            target.of(own),
            epilogue);
      }
      if (step.makes_output && y.samples.data != nullptr) {
        mixture_kernels<Scalar>().scatter(pass.routes,
                                          RouteWeights::own,
                                          target,
                                          rows_of(y.samples, band.target_row, band.target_rows),
                                          store);
      }
    });
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
  const ProductKernels<Scalar>& product = products<Scalar>();
  const MixtureKernels<Scalar>& mixture = mixture_kernels<Scalar>();
  const bool has_weights = dy.samples.data != nullptr;
  const ColumnRows<const Scalar> z{saved, saved_features(), 0, saved_features()};
  for (Index i = experts_.front().steps() - 1; i >= 0; --i) {
    const Linear::Step step = experts_.front().step(i);
    for_each_band(step, [&](const Band& band) {
      Rooms<Scalar> rooms(pass, scratch);
      const ColumnRows<Scalar> dz = rooms.take(saved_features());
      const ColumnRows<const Scalar> dtarget =
          step.makes_output
              ? read_rows(pass, dy, RouteWeights::own, band.target_row, band.target_rows, rooms)
              : dz.rows(band.target_row, band.target_rows);
      const ColumnRows<const Scalar> source =
          step.reads_input
              ? read_rows(pass, x, RouteWeights::none, band.source_row, band.source_rows, rooms)
              : z.rows(band.source_row, band.source_rows);
      const ColumnRows<Scalar> dsource =
          step.reads_input ? rows_to_make(dx, band.source_row, band.source_rows, rooms)
                           : dz.rows(band.source_row, band.source_rows);
      for (std::size_t e = 0; e < experts_.size(); ++e) {
        const ExpertColumns<Scalar>& own = pass.columns[e];
        if (own.count == 0) continue;
        const Index weights = experts_[e].step(i).weights;
        const BlockView<const Scalar> dout = dtarget.of(own), in = source.of(own);
        const BlockView<Scalar> din = dsource.of(own);
        if (const auto bias = experts_[e].bias_offset(); bias && step.makes_output) {
          const Index first = *bias + band.target_row;
          elementwise<Scalar>().accumulate_bias_gradient(dout, gradient + first);
          if (has_weights) add_bias_dots(pass.weights + first, dout, own.slope);
        }
        product.backward_weight(
            band.product, dout, in, gradient + weights + band.batch * step.product.w_batch);
        product.backward_input(
            band.product, weights_of(band, pass.weights.of_backward(weights)), dout, din, {});
        if (step.reads_input && has_weights) mixture.add_column_dots(din, in, own.slope);
      }
      if (step.reads_input && dx.samples.data != nullptr) {
        mixture.scatter(pass.routes,
                        RouteWeights::none,
                        dsource,
                        rows_of(dx.samples, band.source_row, band.source_rows),
                        store);
      }
    });
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
