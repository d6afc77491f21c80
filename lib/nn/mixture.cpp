#include "nn/mixture.h"

#include <fmt/format.h>

#include <algorithm>

#include "compute/elementwise.h"
#include "compute/mixture_kernels.h"

namespace einsearch {
namespace {

/// Rows of a scratch block as a block of one expert's columns, which are not more than its samples.
template <typename Scalar>
BlockView<Scalar> columns_in(BlockView<Scalar> scratch,
                             Index first,
                             Index features,
                             const ExpertColumns<Scalar>& columns) {
  return {scratch.row(first), features, columns.count, columns.stride};
}

}  // namespace

Mixture Mixture::of_layers(ParameterLayout& layout,
                           const std::string& name,
                           const ExpertLayer& layer,
                           const GateOptions& gate) {
  std::vector<Linear> experts;
  for (Index e = 0; e < gate.experts; ++e)
    experts.emplace_back(layout, fmt::format("{}.experts.{}", name, e), layer.shape, layer.options);
  return {std::move(experts), {}, Gate(layout, name + ".gate", layer.shape.d_in, gate)};
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
    ups.emplace_back(layout, expert + ".up", up.shape, up.options);
    downs.emplace_back(layout, expert + ".down", down.shape, down.options);
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

void Mixture::take_rows(RowCounter& rows) {
  gate_.take_rows(rows);
  up_saved_ = gate_.take_columns(rows, up_.front().saved_features());
  if (down_.empty()) return;
  activated_ = gate_.take_columns(rows, up_.front().outputs());
  slope_ = gate_.take_columns(rows, up_.front().outputs());
  down_saved_ = gate_.take_columns(rows, down_.front().saved_features());
}

Index Mixture::scratch_features() const {
  const Index own = 2 * inputs() + outputs();
  if (down_.empty()) return own + up_.front().scratch_features();
  return own + up_.front().outputs() +
         std::max(up_.front().scratch_features(), down_.front().scratch_features());
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
  const MixtureKernels<Scalar>& kernels = mixture_kernels<Scalar>();
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  gate_.choose(weights, x, token, rows);
  if (store == Store::overwrite) pass.fill(Scalar{0}, y);
  if (bias_offset_ >= 0) pass.add_bias(weights + bias_offset_, y);
  for (Index e = 0; e < gate_.experts(); ++e) {
    const ExpertColumns<Scalar> own = gate_.columns(e, rows);
    if (own.count == 0) continue;
    const Linear& up = up_[static_cast<std::size_t>(e)];
    const BlockView<Scalar> in = columns_in(scratch, 0, inputs(), own);
    const BlockView<Scalar> out = columns_in(scratch, inputs(), outputs(), own);
    const BlockView<Scalar> up_saved = own.block(rows.at(up_saved_), up.saved_features());
    const auto scratch_of = [&](const Linear& linear) {
      return columns_in(scratch, inputs() + outputs(), linear.scratch_features(), own);
    };
    kernels.gather(x, own.sample, nullptr, in);
    if (down_.empty()) {
      up.forward<Scalar>(weights, in, out, up_saved, scratch_of(up));
    } else {
      const Linear& down = down_[static_cast<std::size_t>(e)];
      const BlockView<Scalar> activated = own.block(rows.at(activated_), up.outputs());
      up.forward<Scalar>(weights,
                         in,
                         activated,
                         up_saved,
                         scratch_of(up),
                         own.block(rows.at(slope_), up.outputs()));
      down.forward<Scalar>(weights,
                           activated,
                           out,
                           own.block(rows.at(down_saved_), down.saved_features()),
                           scratch_of(down));
    }
    kernels.scatter(out, own.sample, own.weight, y);
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
  const MixtureKernels<Scalar>& kernels = mixture_kernels<Scalar>();
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  const bool wants_input = dx.data != nullptr;
  if (wants_input && store == Store::overwrite) pass.fill(Scalar{0}, dx);
  if (bias_offset_ >= 0) pass.accumulate_bias_gradient(dy, gradient + bias_offset_);
  for (Index e = 0; e < gate_.experts(); ++e) {
    const ExpertColumns<Scalar> own = gate_.columns(e, rows);
    if (own.count == 0) continue;
    const Linear& up = up_[static_cast<std::size_t>(e)];
    const BlockView<Scalar> in = columns_in(scratch, 0, inputs(), own);
    const BlockView<Scalar> dout = columns_in(scratch, inputs(), outputs(), own);
    const BlockView<Scalar> din = columns_in(scratch, inputs() + outputs(), inputs(), own);
    const Index next = 2 * inputs() + outputs();
    const BlockView<Scalar> up_saved = own.block(rows.at(up_saved_), up.saved_features());
    kernels.gather(x, own.sample, nullptr, in);
    kernels.gather(dy, own.sample, own.weight, dout);
    for (Index i = 0; i < own.count; ++i) own.slope[i] = 0;
    if (down_.empty()) {
      const BlockView<Scalar> own_scratch = columns_in(scratch, next, up.scratch_features(), own);
      up.backward<Scalar>(weights, in, up_saved, dout, din, own_scratch, gradient);
      kernels.add_column_dots(din, in, own.slope);
      up.add_bias_dots<Scalar>(weights, dout, own.slope);
    } else {
      const Linear& down = down_[static_cast<std::size_t>(e)];
      const BlockView<Scalar> activated = own.block(rows.at(activated_), up.outputs());
      const BlockView<Scalar> dactivated = columns_in(scratch, next, up.outputs(), own);
      const auto scratch_of = [&](const Linear& linear) {
        return columns_in(scratch, next + up.outputs(), linear.scratch_features(), own);
      };
      down.backward<Scalar>(weights,
                            activated,
                            own.block(rows.at(down_saved_), down.saved_features()),
                            dout,
                            dactivated,
                            scratch_of(down),
                            gradient);
      kernels.add_column_dots(dactivated, activated, own.slope);
      down.add_bias_dots<Scalar>(weights, dout, own.slope);
      pass.multiply_elements(own.block(rows.at(slope_), up.outputs()), dactivated);
      up.backward<Scalar>(weights, in, up_saved, dactivated, din, scratch_of(up), gradient);
    }
    if (wants_input) kernels.scatter(din, own.sample, nullptr, dx);
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
