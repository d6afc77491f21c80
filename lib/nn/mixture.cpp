#include "nn/mixture.h"

#include <fmt/format.h>

#include <algorithm>

#include "compute/elementwise.h"

namespace einsearch {
namespace {

Index used_outputs(const LayerShape& shape) { return std::min(shape.d_out, shape.sizes.pad_out()); }
Index used_inputs(const LayerShape& shape) { return std::min(shape.d_in, shape.sizes.pad_in()); }

template <typename Scalar>
void clear_rows(const ExpertPass<Scalar>& pass, ColumnRows<Scalar> block, Index first) {
  for (const ExpertColumns<Scalar>& own : pass.experts)
    elementwise<Scalar>().fill(Scalar{0}, block.rows(first, block.count - first).of(own));
}

}  // namespace

Mixture Mixture::of_layers(ParameterLayout& layout,
                           const std::string& name,
                           const ExpertLayer& layer,
                           const GateOptions& gate) {
  std::vector<Linear> experts;
  for (Index e = 0; e < gate.experts; ++e)
    experts.emplace_back(layout, fmt::format("{}.experts.{}", name, e), layer.shape, layer.options);
  return {std::move(experts), Gate(layout, name + ".gate", layer.shape.d_in, gate)};
}

Mixture Mixture::of_ranks(ParameterLayout& layout,
                          const std::string& name,
                          const ExpertLayer& layer,
                          const GateOptions& gate) {
  LinearOptions options = layer.options;
  options.experts = gate.experts;
  options.has_weight_norm = options.has_gain = options.has_default_init = true;
  options.has_bias = false;
  const Linear all(layout, name, layer.shape, options);
  std::vector<Linear> experts;
  for (Index e = 0; e < gate.experts; ++e) experts.push_back(all.expert(e));
  Mixture mixture(std::move(experts), Gate(layout, name + ".gate", layer.shape.d_in, gate));
  if (layer.options.has_bias)
    mixture.bias_offset_ = layout.add({.name = name + ".bias", .shape = {layer.shape.d_out}});
  return mixture;
}

Mixture Mixture::of_networks(ParameterLayout& layout,
                             const std::string& name,
                             const ExpertLayer& up,
                             const ExpertLayer& down,
                             const GateOptions& gate) {
  std::vector<Linear> ups, downs;
  for (Index e = 0; e < gate.experts; ++e) {
    const std::string expert = fmt::format("{}.experts.{}", name, e);
    ups.emplace_back(layout, expert + ".up", up.shape, up.options);
    downs.emplace_back(layout, expert + ".down", down.shape, down.options);
  }
  Mixture mixture(std::move(ups), Gate(layout, name + ".gate", up.shape.d_in, gate));
  mixture.down_.emplace(std::move(downs));
  return mixture;
}

Count Mixture::flops() const {
  const Count expert = up_.shape().flops + (down_ ? down_->shape().flops : 0);
  return gate_.active() * expert + gate_.flops();
}

Count Mixture::weights() const {
  const Count expert = up_.shape().params + (down_ ? down_->shape().params : 0);
  return gate_.experts() * expert + gate_.weights();
}

Index Mixture::between_features() const {
  if (!down_) return 0;
  const LayerShape& up = up_.shape();
  return std::max({up.d_out, up.sizes.pad_out(), down_->shape().sizes.pad_in()});
}

void Mixture::take_rows(RowCounter& rows) {
  const auto take = [&](Index features) { return rows.take_columns(gate_.column_room(features)); };
  gate_.take_rows(rows);
  up_saved_ = take(up_.saved_features());
  if (!down_) return;
  activated_ = take(between_features());
  slope_ = take(between_features());
  down_saved_ = take(down_->saved_features());
}

ColumnPlace Mixture::scratch_columns() const {
  const Index down = down_ ? down_->scratch_features() : 0;
  return gate_.column_room(between_features() + std::max(up_.scratch_features(), down));
}

template <typename Scalar>
void Mixture::forward(const Weights<Scalar>& weights,
                      const Rows<Scalar>& rows,
                      const Scalar* token,
                      BlockView<const Scalar> x,
                      BlockView<Scalar> y,
                      Scalar* scratch,
                      BlockView<Scalar> slope,
                      Store store) const {
  const ElementwiseKernels<Scalar>& elements = elementwise<Scalar>();
  gate_.choose(weights, x, token, rows);
  const ExpertPass<Scalar> pass(weights, gate_.columns(rows), rows.samples);
  if (store == Store::overwrite) {
    const Index made = bias_offset_ >= 0 ? 0 : used_outputs(last_shape());
    elements.fill(Scalar{0}, y.rows(made, y.features - made));
  }
  if (bias_offset_ >= 0) {
    elements.add_bias(weights + bias_offset_, y);
    store = Store::accumulate;
  }
  if (down_) {
    const ColumnRows<Scalar> activated = between(rows.at(activated_));
    up_.forward<Scalar>(pass,
                        {.samples = x},
                        {.columns = activated},
                        rows.at(up_saved_),
                        scratch,
                        Store::overwrite,
                        between(rows.at(slope_)));
    clear_rows(pass, activated, used_outputs(up_.shape()));
    down_->forward<Scalar>(
        pass, {.columns = activated}, {.samples = y}, rows.at(down_saved_), scratch, store);
  } else {
    up_.forward<Scalar>(pass, {.samples = x}, {.samples = y}, rows.at(up_saved_), scratch, store);
  }
  if (slope.data != nullptr) elements.gelu(y, y, slope);
}

template <typename Scalar>
void Mixture::backward(const Weights<Scalar>& weights,
                       const Rows<Scalar>& rows,
                       const Scalar* token,
                       double auxiliary_scale,
                       BlockView<const Scalar> x,
                       BlockView<const Scalar> dy,
                       BlockView<Scalar> dx,
                       Scalar* scratch,
                       Scalar* gradient,
                       BlockView<const Scalar> factor,
                       Store store) const {
  assert(dx.data != x.data && (store == Store::overwrite || factor.data == nullptr));
  const ElementwiseKernels<Scalar>& elements = elementwise<Scalar>();
  if (dx.data != nullptr && store == Store::overwrite) {
    const Index made = used_inputs(up_.shape());
    elements.fill(Scalar{0}, dx.rows(made, dx.features - made));
  }
  if (bias_offset_ >= 0) elements.accumulate_bias_gradient(dy, gradient + bias_offset_);
  const ExpertPass<Scalar> pass(weights, gate_.columns(rows), rows.samples);
  for (const ExpertColumns<Scalar>& own : pass.experts)
    std::fill_n(own.slope, padded_samples(own.count), Scalar{0});
  ExpertBlock<const Scalar> dup{.samples = dy};  // behind up
  if (down_) {
    const ColumnRows<Scalar> activated = between(rows.at(activated_)),
                             gelu_slope = between(rows.at(slope_)), dactivated = between(scratch);
    scratch += between_features() * pass.row_size;
    down_->backward<Scalar>(pass,
                            {.columns = activated},
                            rows.at(down_saved_),
                            {.samples = dy},
                            {.columns = dactivated},
                            scratch,
                            gradient);
    const Index used = used_outputs(up_.shape());
    for (const ExpertColumns<Scalar>& own : pass.experts)
      elements.multiply_elements(gelu_slope.rows(0, used).of(own),
                                 dactivated.rows(0, used).of(own));
    clear_rows(pass, dactivated, used_inputs(down_->shape()));
    dup = {.columns = dactivated};
  }
  up_.backward<Scalar>(
      pass, {.samples = x}, rows.at(up_saved_), dup, {.samples = dx}, scratch, gradient, store);
  gate_.backward(weights, x, token, auxiliary_scale, rows, dx, gradient);
  if (factor.data != nullptr) elements.multiply_elements(factor, dx);
}

template void Mixture::forward<float>(const Weights<float>&,
                                      const Rows<float>&,
                                      const float*,
                                      BlockView<const float>,
                                      BlockView<float>,
                                      float*,
                                      BlockView<float>,
                                      Store) const;
template void Mixture::forward<double>(const Weights<double>&,
                                       const Rows<double>&,
                                       const double*,
                                       BlockView<const double>,
                                       BlockView<double>,
                                       double*,
                                       BlockView<double>,
                                       Store) const;
template void Mixture::backward<float>(const Weights<float>&,
                                       const Rows<float>&,
                                       const float*,
                                       double,
                                       BlockView<const float>,
                                       BlockView<const float>,
                                       BlockView<float>,
                                       float*,
                                       float*,
                                       BlockView<const float>,
                                       Store) const;
template void Mixture::backward<double>(const Weights<double>&,
                                        const Rows<double>&,
                                        const double*,
                                        double,
                                        BlockView<const double>,
                                        BlockView<const double>,
                                        BlockView<double>,
                                        double*,
                                        double*,
                                        BlockView<const double>,
                                        Store) const;

}  // namespace einsearch
