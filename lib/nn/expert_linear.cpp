#include "nn/expert_linear.h"

#include <algorithm>

#include "compute/elementwise.h"
#include "compute/mixture_kernels.h"

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

/// Rows from `first` on, `count` of them if the block has as many.
template <typename Scalar>
BlockView<Scalar> rows_of(BlockView<Scalar> block, Index first, Index count) {
  const Index begin = std::min(first, block.features);
  return block.rows(begin, std::min(count, block.features - begin));
}

/// Blocks of columns inside the scratch rows, one behind the other.
template <typename Scalar>
class ScratchRows {
 public:
  explicit ScratchRows(BlockView<Scalar> scratch) : left_(scratch) {}

  BlockView<Scalar> take(Index features) {
    const BlockView<Scalar> taken = left_.rows(0, features);
    left_ = left_.rows(features, left_.features - features);
    return taken;
  }

 private:
  BlockView<Scalar> left_;
};

/// Rows of what the expert reads as columns.
template <typename Scalar>
BlockView<const Scalar> read_rows(const ExpertPass<Scalar>& pass,
                                  ExpertBlock<const Scalar> from,
                                  RouteWeights weights,
                                  Index first,
                                  Index count,
                                  ScratchRows<Scalar>& scratch) {
  if (!from.has_samples) return from.block.rows(first, count);
  const BlockView<Scalar> copies = scratch.take(count);
  mixture_kernels<Scalar>().gather(pass.routes, weights, rows_of(from.block, first, count), copies);
  return copies;
}

/// Rows of columns for what the expert makes.
template <typename Scalar>
BlockView<Scalar> rows_to_make(ExpertBlock<Scalar> to,
                               Index first,
                               Index count,
                               ScratchRows<Scalar>& scratch) {
  const bool are_columns = to.block.data != nullptr && !to.has_samples;
  return are_columns ? to.block.rows(first, count) : scratch.take(count);
}

template <typename Scalar>
void add_bias_dots(const Scalar* bias, BlockView<const Scalar> dy, Scalar* sum) {
  for (Index f = 0; f < dy.features; ++f) {
    for (Index n = 0; n < dy.samples; ++n) sum[n] += bias[f] * dy.row(f)[n];
  }
}

}  // namespace

Index ExpertLinear::scratch_features() const {
  Index most = 0;
  for (Index i = 0; i < linear_.steps(); ++i) {
    const Linear::Step step = linear_.step(i);
    for_each_band(step, [&](const Band& band) {
      most = std::max(most,
                      (step.reads_input ? 2 * band.source_rows : 0) +
                          (step.makes_output ? band.target_rows : 0));
    });
  }
  return saved_features() + most;
}

template <typename Scalar>
void ExpertLinear::forward(const ExpertPass<Scalar>& pass,
                           ExpertBlock<const Scalar> x,
                           ExpertBlock<Scalar> y,
                           BlockView<Scalar> saved,
                           BlockView<Scalar> slope) const {
  for (Index i = 0; i < linear_.steps(); ++i) {
    const Linear::Step step = linear_.step(i);
    const FactorWeights<Scalar> weights = pass.weights.of_forward(step.weights);
    for_each_band(step, [&](const Band& band) {
      ScratchRows<Scalar> scratch(pass.scratch);
      const BlockView<const Scalar> source =
          step.reads_input
              ? read_rows(pass, x, RouteWeights::none, band.source_row, band.source_rows, scratch)
              : saved.rows(band.source_row, band.source_rows);
      const BlockView<Scalar> target =
          step.makes_output ? rows_to_make(y, band.target_row, band.target_rows, scratch)
                            : saved.rows(band.target_row, band.target_rows);
      Epilogue<Scalar> epilogue;
      if (const auto bias = linear_.bias_offset(); bias && step.makes_output)
        epilogue.bias = pass.weights + *bias + band.target_row;
      if (slope.data != nullptr && step.makes_output) epilogue.slope = slope.row(band.target_row);
      products<Scalar>().forward(
          band.product, weights.from_batch(step.product, band.batch), source, target, epilogue);
      if (step.makes_output && y.has_samples) {
        mixture_kernels<Scalar>().scatter(pass.routes,
                                          RouteWeights::own,
                                          target,
                                          rows_of(y.block, band.target_row, band.target_rows));
      }
    });
  }
}

template <typename Scalar>
void ExpertLinear::backward(const ExpertPass<Scalar>& pass,
                            ExpertBlock<const Scalar> x,
                            BlockView<const Scalar> saved,
                            ExpertBlock<const Scalar> dy,
                            ExpertBlock<Scalar> dx) const {
  const ProductKernels<Scalar>& product = products<Scalar>();
  const MixtureKernels<Scalar>& mixture = mixture_kernels<Scalar>();
  for (Index i = linear_.steps() - 1; i >= 0; --i) {
    const Linear::Step step = linear_.step(i);
    const FactorWeights<Scalar> weights = pass.weights.of_backward(step.weights);
    for_each_band(step, [&](const Band& band) {
      ScratchRows<Scalar> scratch(pass.scratch);
      const BlockView<Scalar> dz = scratch.take(saved_features());
      const BlockView<const Scalar> dtarget =
          step.makes_output
              ? read_rows(pass, dy, RouteWeights::own, band.target_row, band.target_rows, scratch)
              : dz.rows(band.target_row, band.target_rows);
      const BlockView<const Scalar> source =
          step.reads_input
              ? read_rows(pass, x, RouteWeights::none, band.source_row, band.source_rows, scratch)
              : saved.rows(band.source_row, band.source_rows);
      const BlockView<Scalar> dsource =
          step.reads_input ? rows_to_make(dx, band.source_row, band.source_rows, scratch)
                           : dz.rows(band.source_row, band.source_rows);
      if (const auto bias = linear_.bias_offset(); bias && step.makes_output) {
        const Index own = *bias + band.target_row;
        elementwise<Scalar>().accumulate_bias_gradient(dtarget, pass.gradient + own);
        if (dy.has_samples) add_bias_dots(pass.weights + own, dtarget, pass.slope);
      }
      product.backward_weight(band.product,
                              dtarget,
                              source,
                              pass.gradient + step.weights + band.batch * step.product.w_batch);
      product.backward_input(
          band.product, weights.from_batch(step.product, band.batch), dtarget, dsource, {});
      if (!step.reads_input) return;
      if (dy.has_samples) mixture.add_column_dots(dsource, source, pass.slope);
      if (dx.has_samples) {
        mixture.scatter(pass.routes,
                        RouteWeights::none,
                        dsource,
                        rows_of(dx.block, band.source_row, band.source_rows));
      }
    });
  }
}

template void ExpertLinear::forward<float>(const ExpertPass<float>&,
                                           ExpertBlock<const float>,
                                           ExpertBlock<float>,
                                           BlockView<float>,
                                           BlockView<float>) const;
template void ExpertLinear::forward<double>(const ExpertPass<double>&,
                                            ExpertBlock<const double>,
                                            ExpertBlock<double>,
                                            BlockView<double>,
                                            BlockView<double>) const;
template void ExpertLinear::backward<float>(const ExpertPass<float>&,
                                            ExpertBlock<const float>,
                                            BlockView<const float>,
                                            ExpertBlock<const float>,
                                            ExpertBlock<float>) const;
template void ExpertLinear::backward<double>(const ExpertPass<double>&,
                                             ExpertBlock<const double>,
                                             BlockView<const double>,
                                             ExpertBlock<const double>,
                                             ExpertBlock<double>) const;

}  // namespace einsearch
