#include "nn/linear.h"

#include <cmath>

#include "compute/elementwise.h"
#include "structure/factor_rule.h"

namespace einsearch {
namespace {

/// The reference's two code paths add different constants under the root.
double weight_norm_epsilon(const Sizes& sizes) {
  return sizes.n_beta == 1 && sizes.n_delta == 1 ? 1e-8 : 1e-6;
}

/// Learning-rate multipliers of muP: those of this layer against the same layer of the base model
/// (Yang et al. 2022).
struct WidthMultipliers {
  double adam;
  double sgd;
};

WidthMultipliers width_multipliers(const LayerShape& shape, const LinearOptions& options) {
  const auto ratio = [](Index a, Index b) {
    return static_cast<double>(a) / static_cast<double>(b);
  };
  const Index base_in = options.base_in > 0 ? options.base_in : shape.d_in;
  const Index base_out = options.base_out > 0 ? options.base_out : shape.d_out;
  return {ratio(base_in, shape.d_in), ratio(shape.d_out, shape.d_in) / ratio(base_out, base_in)};
}

ParameterInfo weight_info(std::string name,
                          std::vector<Index> shape,
                          const LayerShape& layer,
                          const FactorRule& rule,
                          const WidthMultipliers& width) {
  ParameterInfo info{.name = std::move(name), .shape = std::move(shape)};
  info.init = Init::normal;
  info.init_std = rule.init_std;
  info.lr_multiplier = rule.lr_adam * width.adam;
  info.lr_multiplier_sgd = rule.lr_sgd * width.sgd;
  info.decays = true;
  info.layer = layer;
  return info;
}

void set_zero(ParameterInfo& info) {
  info.init = Init::zeros;
  info.init_std = 0;
}

void add_expert_axis(ParameterInfo& info, Index experts) {
  if (experts == 1) return;
  info.shape.insert(info.shape.begin(), experts);
  info.copies = experts;
}

}  // namespace

Linear::Linear(ParameterLayout& layout,
               const std::string& name,
               const LayerShape& shape,
               const LinearOptions& options)
    : shape_(shape) {
  assert(options.experts == 1 || !options.has_bias);
  const WidthMultipliers width = width_multipliers(shape, options);
  const std::vector<FactorRule> rules = factor_rules(shape);
  if (shape.is_dense) {
    dense_ = dense_product(shape.d_out, shape.d_in);
    ParameterInfo weight =
        weight_info(name + ".weight", {shape.d_out, shape.d_in}, shape, rules[0], width);
    if (options.has_default_init) weight.init_std = 1 / std::sqrt(static_cast<double>(shape.d_in));
    if (options.is_zero_initialised) set_zero(weight);
    weight.product = dense_;
    add_expert_axis(weight, options.experts);
    first_offset_ = layout.add(std::move(weight));
  } else {
    const Sizes& n = shape.sizes;
    steps_ = two_factor_contraction(n, shape.order);
    ParameterInfo a = weight_info(
        name + ".A", {n.n_phi, n.n_delta, n.n_rho, n.n_gamma, n.n_alpha}, shape, rules[0], width);
    ParameterInfo b = weight_info(
        name + ".B", {n.n_phi, n.n_epsilon, n.n_rho, n.n_gamma, n.n_beta}, shape, rules[1], width);
    if (options.has_weight_norm) {
      a.norm = WeightNorm{rules[0].init_std, weight_norm_epsilon(n)};
      b.norm = WeightNorm{rules[1].init_std, weight_norm_epsilon(n)};
    }
    if (options.has_gain) {
      a.norm->gain = layout.add({.name = name + ".A_gain", .shape = {}, .init = Init::ones});
      b.norm->gain = layout.add({.name = name + ".B_gain", .shape = {}, .init = Init::ones});
    }
    if (options.has_default_init) {
      a.init_std = 1 / std::sqrt(static_cast<double>(rules[0].fan_in));
      b.init_std = 1 / std::sqrt(static_cast<double>(rules[1].fan_in));
    }
    add_expert_axis(a, options.experts);
    add_expert_axis(b, options.experts);
    const bool is_a_first = shape.order == Order::a_first;
    a.product = is_a_first ? steps_.first : steps_.second;
    b.product = is_a_first ? steps_.second : steps_.first;
    if (options.is_zero_initialised) set_zero(is_a_first ? b : a);
    const Index a_offset = layout.add(std::move(a)), b_offset = layout.add(std::move(b));
    first_offset_ = is_a_first ? a_offset : b_offset;
    second_offset_ = is_a_first ? b_offset : a_offset;
  }
  if (options.has_bias) {
    bias_offset_ = layout.add({.name = name + ".bias", .shape = {shape.sizes.pad_out()}});
  }
}

Linear Linear::expert(Index which) const {
  Linear one = *this;
  const auto weights = [](const BatchedProduct& p) { return p.batches * p.rows * p.inner; };
  one.first_offset_ += which * weights(shape_.is_dense ? dense_ : steps_.first);
  one.second_offset_ += which * weights(steps_.second);
  return one;
}

Linear::Step Linear::step(Index index) const {
  if (shape_.is_dense)
    return {.product = dense_, .weights = first_offset_, .reads_input = true, .makes_output = true};
  const TwoFactorContraction::Part part = steps_.part(index / 2);
  Step step;
  step.hidden_row = part.z_row;
  step.output_row = part.y_row;
  step.reads_input = index % 2 == 0;
  step.makes_output = !step.reads_input;
  step.product = step.reads_input ? part.first : part.second;
  step.weights =
      step.reads_input ? first_offset_ + part.first_weights : second_offset_ + part.second_weights;
  return step;
}

Index Linear::hidden_features() const { return shape_.is_dense ? 0 : steps_.first.z_features(); }

Index Linear::kept_features() const { return recomputes_hidden() ? 0 : hidden_features(); }

Index Linear::part_features() const { return shape_.is_dense ? 0 : steps_.part_features(); }

Index Linear::saved_features() const {
  return kept_features() + (extends_input() ? shape_.sizes.pad_in() : 0);
}

Index Linear::scratch_features() const {
  const Index parts = part_features() * (recomputes_hidden() ? 2 : 1);  // of dz, and of z
  return parts + (extends_input() || is_in_parts() ? shape_.sizes.pad_in() : 0) +
         (extends_output() ? shape_.sizes.pad_out() : 0);
}

template <typename Scalar>
BlockView<const Scalar> Linear::padded_input(BlockView<const Scalar> x,
                                             BlockView<const Scalar> saved) const {
  if (extends_input()) return saved.rows(kept_features(), shape_.sizes.pad_in());
  return x.rows(0, shape_.sizes.pad_in());
}

template <typename Scalar>
void Linear::forward(const Weights<Scalar>& weights,
                     BlockView<const Scalar> x,
                     BlockView<Scalar> y,
                     BlockView<Scalar> saved,
                     BlockView<Scalar> scratch,
                     BlockView<Scalar> slope,
                     Store store) const {
  assert(store == Store::overwrite || slope.data == nullptr);
  const ProductKernels<Scalar>& product = products<Scalar>();
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  if (extends_input()) {
    const BlockView<Scalar> extended = saved.rows(kept_features(), shape_.sizes.pad_in());
    pass.copy(x, extended.rows(0, shape_.d_in));
    pass.fill(Scalar{0}, extended.rows(shape_.d_in, shape_.sizes.pad_in() - shape_.d_in));
  }
  const BlockView<const Scalar> in = padded_input<Scalar>(x, saved);
  const BlockView<Scalar> out = extends_output()
                                    ? scratch.rows(part_features(), shape_.sizes.pad_out())
                                    : y.rows(0, shape_.sizes.pad_out());
  Epilogue<Scalar> epilogue;
  if (bias_offset_ >= 0) epilogue.bias = weights + bias_offset_;
  if (!extends_output()) {
    epilogue.store = store;
    epilogue.slope = slope.data;
  }
  if (shape_.is_dense) {
    product.forward(dense_, weights.of_forward(first_offset_), in, out, epilogue);
  } else {
    for (Index i = 0; i < steps_.parts(); ++i) {
      const TwoFactorContraction::Part part = steps_.part(i);
      const Index features = part.first.z_features();
      const BlockView<Scalar> z =
          recomputes_hidden() ? scratch.rows(0, features) : saved.rows(part.z_row, features);
      product.forward(
          part.first, weights.of_forward(first_offset_ + part.first_weights), in, z, {});
      product.forward(part.second,
                      weights.of_forward(second_offset_ + part.second_weights),
                      z,
                      out.rows(part.y_row, part.second.z_features()),
                      epilogue.from_row(part.y_row, out.stride));
    }
  }
  if (extends_output()) {
    const BlockView<Scalar> kept = out.rows(0, shape_.d_out);
    if (store == Store::accumulate) {
      pass.add(kept, y);
    } else if (slope.data != nullptr) {
      pass.gelu(kept, y, slope);
    } else {
      pass.copy(kept, y);
    }
  } else if (store == Store::overwrite) {
    const Index first = shape_.sizes.pad_out(), missing = shape_.d_out - first;
    pass.fill(Scalar{0}, y.rows(first, missing));
    if (slope.data != nullptr) pass.fill(Scalar{0.5}, slope.rows(first, missing));  // gelu'(0)
  }
}

template <typename Scalar>
void Linear::backward(const Weights<Scalar>& weights,
                      BlockView<const Scalar> x,
                      BlockView<const Scalar> saved,
                      BlockView<const Scalar> dy,
                      BlockView<Scalar> dx,
                      BlockView<Scalar> scratch,
                      Scalar* gradient,
                      BlockView<const Scalar> factor,
                      Store store) const {
  assert(store == Store::overwrite || factor.data == nullptr);
  const ProductKernels<Scalar>& product = products<Scalar>();
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  Index next = part_features() * (recomputes_hidden() ? 2 : 1);
  BlockView<const Scalar> dout = dy.rows(0, std::min(shape_.sizes.pad_out(), shape_.d_out));
  if (extends_output()) {
    const BlockView<Scalar> extended = scratch.rows(next, shape_.sizes.pad_out());
    next += shape_.sizes.pad_out();
    pass.copy(dy, extended.rows(0, shape_.d_out));
    pass.fill(Scalar{0}, extended.rows(shape_.d_out, shape_.sizes.pad_out() - shape_.d_out));
    dout = extended;
  }
  BlockView<const Scalar> in = padded_input<Scalar>(x, saved);
  const bool wants_input = dx.data != nullptr;
  BlockView<Scalar> din =
      wants_input ? dx.rows(0, std::min(shape_.sizes.pad_in(), shape_.d_in)) : dx;
  if (wants_input && extends_input()) din = scratch.rows(next, shape_.sizes.pad_in());
  Epilogue<Scalar> epilogue;
  if (!extends_input()) {
    epilogue.factor = factor.data;
    epilogue.store = store;
  }

  if (bias_offset_ >= 0) pass.accumulate_bias_gradient(dout, gradient + bias_offset_);
  if (shape_.is_dense) {
    product.backward_weight(dense_, dout, in, gradient + first_offset_);
    if (wants_input)
      product.backward_input(dense_, weights.of_backward(first_offset_), dout, din, epilogue);
  } else {
    if (is_in_parts() && din.data == in.data) {
      const BlockView<Scalar> copy = scratch.rows(next, in.features);
      pass.copy(in, copy);
      in = copy;
    }
    for (Index i = 0; i < steps_.parts(); ++i) {
      const TwoFactorContraction::Part part = steps_.part(i);
      const Index second = second_offset_ + part.second_weights;
      const Index first = first_offset_ + part.first_weights;
      const Index features = part.first.z_features();
      const BlockView<Scalar> dz = scratch.rows(0, features);
      const BlockView<const Scalar> dpart = dout.rows(part.y_row, part.second.z_features());
      BlockView<const Scalar> z = dz;
      if (recomputes_hidden()) {
        const BlockView<Scalar> again = scratch.rows(part_features(), features);
        product.forward(part.first, weights.of_forward(first), in, again, {});
        z = again;
      } else {
        z = saved.rows(part.z_row, features);
      }
      product.backward_weight(part.second, dpart, z, gradient + second);
      product.backward_input(part.second, weights.of_backward(second), dpart, dz, {});
      product.backward_weight(part.first, dz, in, gradient + first);
      if (!wants_input) continue;
      Epilogue<Scalar> own;
      own.store = i > 0 ? Store::accumulate : epilogue.store;
      if (i + 1 == steps_.parts()) own.factor = epilogue.factor;
      product.backward_input(part.first, weights.of_backward(first), dz, din, own);
    }
  }
  if (!wants_input) return;
  if (extends_input()) {
    const BlockView<const Scalar> kept = din.rows(0, shape_.d_in);
    store == Store::accumulate ? pass.add(kept, dx) : pass.copy(kept, dx);
    if (factor.data != nullptr) pass.multiply_elements(factor, dx);
  } else if (store == Store::overwrite) {
    pass.fill(Scalar{0}, dx.rows(shape_.sizes.pad_in(), shape_.d_in - shape_.sizes.pad_in()));
  }
}

template void Linear::forward<float>(const Weights<float>&,
                                     BlockView<const float>,
                                     BlockView<float>,
                                     BlockView<float>,
                                     BlockView<float>,
                                     BlockView<float>,
                                     Store) const;
template void Linear::backward<float>(const Weights<float>&,
                                      BlockView<const float>,
                                      BlockView<const float>,
                                      BlockView<const float>,
                                      BlockView<float>,
                                      BlockView<float>,
                                      float*,
                                      BlockView<const float>,
                                      Store) const;
template void Linear::forward<double>(const Weights<double>&,
                                      BlockView<const double>,
                                      BlockView<double>,
                                      BlockView<double>,
                                      BlockView<double>,
                                      BlockView<double>,
                                      Store) const;
template void Linear::backward<double>(const Weights<double>&,
                                       BlockView<const double>,
                                       BlockView<const double>,
                                       BlockView<const double>,
                                       BlockView<double>,
                                       BlockView<double>,
                                       double*,
                                       BlockView<const double>,
                                       Store) const;

}  // namespace einsearch
