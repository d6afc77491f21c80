#include "nn/mixture.h"

#include <fmt/format.h>

#include <algorithm>

#include "compute/elementwise.h"
#include "compute/mixture_kernels.h"

namespace einsearch {
namespace {

LinearOptions expert_options(LinearOptions options) {
  options.is_expert = true;
  return options;
}

template <typename Scalar>
void clear_rows(BlockView<Scalar> block, Index first) {
  elementwise<Scalar>().fill(Scalar{0}, block.rows(first, block.features - first));
}

template <typename Scalar>
Routes<Scalar> routes_of(const ExpertColumns<Scalar>& own) {
  return find_routes(own.sample, own.weight, own.count, mixture_kernels<Scalar>().lanes);
}

/// Scratch rows as blocks of one expert's columns, which are not more than its samples.
template <typename Scalar>
BlockView<Scalar> columns_in(BlockView<Scalar> scratch, const ExpertColumns<Scalar>& own) {
  return {scratch.data, scratch.features, own.count, own.stride};
}

Index used_outputs(const LayerShape& shape) { return std::min(shape.d_out, shape.sizes.pad_out()); }
Index used_inputs(const LayerShape& shape) { return std::min(shape.d_in, shape.sizes.pad_in()); }

}  // namespace

Mixture Mixture::of_layers(ParameterLayout& layout,
                           const std::string& name,
                           const ExpertLayer& layer,
                           const GateOptions& gate) {
  std::vector<Linear> experts;
  for (Index e = 0; e < gate.experts; ++e)
    experts.emplace_back(
        layout, fmt::format("{}.experts.{}", name, e), layer.shape, expert_options(layer.options));
  return {std::move(experts), {}, Gate(layout, name + ".gate", layer.shape.d_in, gate)};
}

Mixture Mixture::of_ranks(ParameterLayout& layout,
                          const std::string& name,
                          const ExpertLayer& layer,
                          const GateOptions& gate) {
  LinearOptions options = expert_options(layer.options);
  options.experts = gate.experts;
  options.has_weight_norm = options.has_gain = options.has_default_init = true;
  options.has_bias = false;
  const Linear all(layout, name, layer.shape, options);
  std::vector<Linear> experts;
  for (Index e = 0; e < gate.experts; ++e) experts.push_back(all.expert(e));
  Mixture mixture(std::move(experts), {}, Gate(layout, name + ".gate", layer.shape.d_in, gate));
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
    ups.emplace_back(layout, expert + ".up", up.shape, expert_options(up.options));
    downs.emplace_back(layout, expert + ".down", down.shape, expert_options(down.options));
  }
  return {std::move(ups), std::move(downs), Gate(layout, name + ".gate", up.shape.d_in, gate)};
}

Count Mixture::flops() const {
  const Count expert =
      up_.front().shape().flops + (down_.empty() ? 0 : down_.front().shape().flops);
  return gate_.active() * expert + gate_.flops();
}

Count Mixture::weights() const {
  const Count expert =
      up_.front().shape().params + (down_.empty() ? 0 : down_.front().shape().params);
  return gate_.experts() * expert + gate_.weights();
}

Index Mixture::between_features() const {
  if (down_.empty()) return 0;
  const LayerShape& up = up_.front().shape();
  return std::max({up.d_out, up.sizes.pad_out(), down_.front().shape().sizes.pad_in()});
}

void Mixture::take_rows(RowCounter& rows) {
  gate_.take_rows(rows);
  up_saved_ = gate_.take_columns(rows, up_.front().saved_features());
  if (down_.empty()) return;
  activated_ = gate_.take_columns(rows, between_features());
  slope_ = gate_.take_columns(rows, between_features());
  down_saved_ = gate_.take_columns(rows, down_.front().saved_features());
}

Index Mixture::scratch_features() const {
  const Index down = down_.empty() ? 0 : down_.front().scratch_features();
  return between_features() + std::max(up_.front().scratch_features(), down);
}

template <typename Scalar>
void Mixture::forward(const Weights<Scalar>& weights,
                      const Rows<Scalar>& rows,
                      const Scalar* token,
                      BlockView<const Scalar> x,
                      BlockView<Scalar> y,
                      BlockView<Scalar> scratch,
                      BlockView<Scalar> slope,
                      Store store) const {
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  gate_.choose(weights, x, token, rows);
  if (store == Store::overwrite) pass.fill(Scalar{0}, y);
  if (bias_offset_ >= 0) pass.add_bias(weights + bias_offset_, y);
  const ExpertBlock<const Scalar> samples{x, true};
  const ExpertBlock<Scalar> sums{y, true};
  for (Index e = 0; e < gate_.experts(); ++e) {
    const ExpertColumns<Scalar> own = gate_.columns(e, rows);
    if (own.count == 0) continue;
    const Routes<Scalar> routes = routes_of(own);
    const ExpertPass<Scalar> expert{weights, routes, columns_in(scratch, own)};
    const ExpertLinear& up = up_[static_cast<std::size_t>(e)];
    const BlockView<Scalar> up_saved = own.block(rows.at(up_saved_), up.saved_features());
    if (down_.empty()) {
      up.forward(expert, samples, sums, up_saved);
    } else {
      const ExpertLinear& down = down_[static_cast<std::size_t>(e)];
      const BlockView<Scalar> activated = own.block(rows.at(activated_), between_features());
      const BlockView<Scalar> own_slope = own.block(rows.at(slope_), between_features());
      up.forward<Scalar>(expert, samples, {activated}, up_saved, own_slope);
      clear_rows(activated, used_outputs(up.shape()));
      const BlockView<Scalar> down_saved = own.block(rows.at(down_saved_), down.saved_features());
      down.forward<Scalar>(expert, {activated}, sums, down_saved);
    }
  }
  if (slope.data != nullptr) pass.gelu(y, y, slope);
}

template <typename Scalar>
void Mixture::backward(const Weights<Scalar>& weights,
                       const Rows<Scalar>& rows,
                       const Scalar* token,
                       double auxiliary_scale,
                       BlockView<const Scalar> x,
                       BlockView<const Scalar> dy,
                       BlockView<Scalar> dx,
                       BlockView<Scalar> scratch,
                       Scalar* gradient,
                       BlockView<const Scalar> factor,
                       Store store) const {
  assert(dx.data != x.data && (store == Store::overwrite || factor.data == nullptr));
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  if (dx.data != nullptr && store == Store::overwrite) pass.fill(Scalar{0}, dx);
  if (bias_offset_ >= 0) pass.accumulate_bias_gradient(dy, gradient + bias_offset_);
  const ExpertBlock<const Scalar> samples{x, true}, dsums{dy, true};
  const ExpertBlock<Scalar> dsamples{dx, dx.data != nullptr};
  for (Index e = 0; e < gate_.experts(); ++e) {
    const ExpertColumns<Scalar> own = gate_.columns(e, rows);
    if (own.count == 0) continue;
    std::fill_n(own.slope, padded_samples(own.count), Scalar{0});
    const Routes<Scalar> routes = routes_of(own);
    const BlockView<Scalar> all = columns_in(scratch, own);
    const BlockView<Scalar> dactivated = all.rows(0, between_features());
    const ExpertPass<Scalar> expert{
        weights,
        routes,
        all.rows(dactivated.features, all.features - dactivated.features),
        gradient,
        own.slope};
    const ExpertLinear& up = up_[static_cast<std::size_t>(e)];
    const BlockView<Scalar> up_saved = own.block(rows.at(up_saved_), up.saved_features());
    if (down_.empty()) {
      up.backward<Scalar>(expert, samples, up_saved, dsums, dsamples);
    } else {
      const ExpertLinear& down = down_[static_cast<std::size_t>(e)];
      const BlockView<Scalar> activated = own.block(rows.at(activated_), between_features());
      const BlockView<Scalar> down_saved = own.block(rows.at(down_saved_), down.saved_features());
      down.backward<Scalar>(expert, {activated}, down_saved, dsums, {dactivated});
      const BlockView<Scalar> own_slope = own.block(rows.at(slope_), between_features());
      const Index used = used_outputs(up.shape());
      pass.multiply_elements(own_slope.rows(0, used), dactivated.rows(0, used));
      clear_rows(dactivated, used_inputs(down.shape()));
      up.backward<Scalar>(expert, samples, up_saved, {dactivated}, dsamples);
    }
  }
  gate_.backward(weights, x, token, auxiliary_scale, rows, dx, gradient);
  if (factor.data != nullptr) pass.multiply_elements(factor, dx);
}

template void Mixture::forward<float>(const Weights<float>&,
                                      const Rows<float>&,
                                      const float*,
                                      BlockView<const float>,
                                      BlockView<float>,
                                      BlockView<float>,
                                      BlockView<float>,
                                      Store) const;
template void Mixture::forward<double>(const Weights<double>&,
                                       const Rows<double>&,
                                       const double*,
                                       BlockView<const double>,
                                       BlockView<double>,
                                       BlockView<double>,
                                       BlockView<double>,
                                       Store) const;
template void Mixture::backward<float>(const Weights<float>&,
                                       const Rows<float>&,
                                       const float*,
                                       double,
                                       BlockView<const float>,
                                       BlockView<const float>,
                                       BlockView<float>,
                                       BlockView<float>,
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
                                        BlockView<double>,
                                        double*,
                                        BlockView<const double>,
                                        Store) const;

}  // namespace einsearch
