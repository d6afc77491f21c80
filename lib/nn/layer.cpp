#include "nn/layer.h"

namespace einsearch {

Count Layer::flops() const {
  if (const Mixture* own = mixture()) return own->flops();
  return std::get<Linear>(kind_).shape().flops;
}

Count Layer::weights() const {
  if (const Mixture* own = mixture()) return own->weights();
  return std::get<Linear>(kind_).shape().params;
}

void Layer::take_rows(RowCounter& rows) {
  if (auto* own = std::get_if<Mixture>(&kind_)) return own->take_rows(rows);
  saved_ = rows.take(std::get<Linear>(kind_).saved_features());
}

Index Layer::scratch_features() const {
  const auto* own = std::get_if<Linear>(&kind_);
  return own != nullptr ? own->scratch_features() : 0;
}

template <typename Scalar>
void Layer::forward(const LayerPass<Scalar>& pass,
                    BlockView<const Scalar> x,
                    BlockView<Scalar> y,
                    BlockView<Scalar> slope,
                    Store store) const {
  if (const Mixture* own = mixture()) {
    return own->forward(
        pass.weights, pass.rows, pass.token, x, y, pass.scratch_columns, slope, store);
  }
  const BlockView<Scalar> scratch = pass.scratch.rows(0, scratch_features());
  const Linear& linear = std::get<Linear>(kind_);
  const BlockView<Scalar> saved = pass.rows(saved_, linear.saved_features());
  linear.forward<Scalar>(pass.weights, x, y, saved, scratch, slope, store);
}

template <typename Scalar>
void Layer::backward(const LayerPass<Scalar>& pass,
                     BlockView<const Scalar> x,
                     BlockView<const Scalar> dy,
                     BlockView<Scalar> dx,
                     BlockView<const Scalar> factor,
                     Store store) const {
  if (const Mixture* own = mixture()) {
    return own->backward(pass.weights,
                         pass.rows,
                         pass.token,
                         pass.auxiliary_scale,
                         x,
                         dy,
                         dx,
                         pass.scratch_columns,
                         pass.gradient,
                         factor,
                         store);
  }
  const BlockView<Scalar> scratch = pass.scratch.rows(0, scratch_features());
  const Linear& linear = std::get<Linear>(kind_);
  const BlockView<Scalar> saved = pass.rows(saved_, linear.saved_features());
  linear.backward<Scalar>(pass.weights, x, saved, dy, dx, scratch, pass.gradient, factor, store);
}

template void Layer::forward<float>(const LayerPass<float>&,
                                    BlockView<const float>,
                                    BlockView<float>,
                                    BlockView<float>,
                                    Store) const;
template void Layer::forward<double>(const LayerPass<double>&,
                                     BlockView<const double>,
                                     BlockView<double>,
                                     BlockView<double>,
                                     Store) const;
template void Layer::backward<float>(const LayerPass<float>&,
                                     BlockView<const float>,
                                     BlockView<const float>,
                                     BlockView<float>,
                                     BlockView<const float>,
                                     Store) const;
template void Layer::backward<double>(const LayerPass<double>&,
                                      BlockView<const double>,
                                      BlockView<const double>,
                                      BlockView<double>,
                                      BlockView<const double>,
                                      Store) const;

}  // namespace einsearch
