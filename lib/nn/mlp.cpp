#include "nn/mlp.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "compute/elementwise.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

MlpOptions with_layers_checked(const MlpOptions& options) {
  if (options.mixture) {
    throw Error("mixtures of experts are for text, tokens and pixels",
                {.where = "regression", .got = structure_text(options)});
  }
  for (const RoleAssignment& each : options.assigned) {
    const bool is_here = each.role == LayerRole::input || each.role == LayerRole::up ||
                         each.role == LayerRole::down || each.role == LayerRole::head;
    if (is_here) continue;
    throw Error("the residual MLP has no attention",
                {.where = "assignment of structures",
                 .expected = "in, up, down, ffn or head",
                 .got = to_string(each.role)});
  }
  if (options.aligns_heads) throw Error("the residual MLP has no heads to align");
  if (options.layers != LayerChoice::attention) return options;
  throw Error("the residual MLP has no attention",
              {.where = "choice of layers",
               .expected = "all, intermediate, all-but-last or ffn",
               .got = to_string(options.layers)});
}

}  // namespace

template <typename Scalar>
Linear Mlp<Scalar>::make_linear(
    const std::string& name, Index d_in, Index d_out, LayerRole role, LinearOptions linear) {
  const std::optional<Structure> own = layer_structure(options_, role);
  linear.has_default_init = !own.has_value();
  linear.has_weight_norm = options_.has_weight_norm && own.has_value();
  linear.has_gain = linear.has_weight_norm && options_.has_gains;
  try {
    const Structure structure = own.value_or(parse_structure("dense"));
    return Linear(layout_, name, resolve(structure, d_in, d_out, options_.resolve), linear);
  } catch (const Error& error) {
    throw Error(fmt::format("layer {} ({} -> {}): {}", name, d_in, d_out, error.what()));
  }
}

template <typename Scalar>
typename Mlp<Scalar>::Norm Mlp<Scalar>::make_norm(const std::string& name, Index features) {
  Norm norm;
  norm.gain = layout_.add({.name = name + ".weight", .shape = {features}, .init = Init::ones});
  norm.bias = layout_.add({.name = name + ".bias", .shape = {features}});
  norm.normalised = rows_.take(features);
  norm.inverse_deviation = rows_.take(1);
  return norm;
}

template <typename Scalar>
Mlp<Scalar>::Mlp(const MlpOptions& options)
    : options_(with_layers_checked(options)),
      input_(make_linear("input",
                         options.inputs,
                         options.width,
                         LayerRole::input,
                         {.base_out = options.base_width})),
      input_norm_(make_norm("input_norm", options.width)),
      blocks_([&] {
        const Index wide = MlpOptions::kExpansion * options.width;
        const Index base = options.base_width, base_wide = MlpOptions::kExpansion * base;
        std::vector<Block> blocks;
        for (Index i = 0; i < options.depth; ++i) {
          const std::string name = fmt::format("blocks.{}", i);
          const Norm norm = make_norm(name + ".norm", options.width);
          const Linear up = make_linear(name + ".up",
                                        options.width,
                                        wide,
                                        LayerRole::up,
                                        {.base_in = base, .base_out = base_wide});
          const Linear down =
              make_linear(name + ".down",
                          wide,
                          options.width,
                          LayerRole::down,
                          {.is_zero_initialised = true, .base_in = base_wide, .base_out = base});
          blocks.push_back({.norm = norm, .up = up, .down = down});
        }
        return blocks;
      }()),
      output_(make_linear("output",
                          options.width,
                          options.outputs,
                          LayerRole::head,
                          {.is_zero_initialised = true, .base_in = options.base_width})) {
  const Index width = options.width, wide = MlpOptions::kExpansion * width;
  Index scratch = std::max(input_.scratch_features(), output_.scratch_features());
  input_saved_ = rows_.take(input_.saved_features());
  input_slope_ = rows_.take(width);
  residual_ = rows_.take(width);
  for (Block& block : blocks_) {
    block.normed = rows_.take(width);
    block.up_saved = rows_.take(block.up.saved_features());
    block.activated = rows_.take(wide);
    block.slope = rows_.take(wide);
    block.down_saved = rows_.take(block.down.saved_features());
    scratch = std::max({scratch, block.up.scratch_features(), block.down.scratch_features()});
  }
  output_saved_ = rows_.take(output_.saved_features());
  prediction_ = rows_.take(options.outputs);
  error_ = rows_.take(options.outputs);
  wide_ = rows_.take(wide);
  narrow_ = rows_.take(width);
  scratch_ = rows_.take(scratch);
}

template <typename Scalar>
ModelCost Mlp<Scalar>::cost() const {
  const auto norm = 10.0 * static_cast<double>(options_.width);
  ModelCost cost{.flops_head = static_cast<double>(output_.shape().flops), .flops_other = norm};
  const auto add = [&cost](const Linear& linear) {
    cost.flops_linear += static_cast<double>(linear.shape().flops);
    cost.params_linear += linear.shape().params;
  };
  add(input_);
  for (const Block& block : blocks_) {
    cost.flops_other += norm;
    add(block.up);
    add(block.down);
  }
  return cost;
}

template <typename Scalar>
Index Mlp<Scalar>::block_samples() const {
  // The activations of a block should stay in a core's second-level cache. Where the weights do not
  // fit there, they are read once per block, so a block takes more samples.
  constexpr Index kCachedWeights = 1 << 19;
  constexpr Index kCachedActivations = 1 << 19, kMany = 128, kFew = 64;
  const bool takes_many =
      layout_.size() > kCachedWeights || rows_.count() * kMany <= kCachedActivations;
  return takes_many ? kMany : kFew;
}

template <typename Scalar>
BlockView<Scalar> Mlp<Scalar>::predict(const Weights<Scalar>& weights,
                                       BlockView<const Scalar> inputs,
                                       Scalar* workspace,
                                       std::vector<double>* rms) const {
  const Rows<Scalar> rows = rows_.of(workspace, inputs.samples);
  const Index width = options_.width, wide = MlpOptions::kExpansion * width;
  const auto scratch_for = [&](const Linear& linear) {
    return rows(scratch_, linear.scratch_features());
  };
  const auto apply_norm = [&](const Norm& norm, BlockView<Scalar> x, BlockView<Scalar> y) {
    elementwise<Scalar>().layer_norm(x,
                                     weights + norm.gain,
                                     weights + norm.bias,
                                     rows(norm.normalised, width),
                                     rows(norm.inverse_deviation, 1),
                                     y);
  };

  const BlockView<Scalar> residual = rows(residual_, width), narrow = rows(narrow_, width);
  input_.forward<Scalar>(weights,
                         inputs,
                         narrow,
                         rows(input_saved_, input_.saved_features()),
                         scratch_for(input_),
                         rows(input_slope_, width));
  apply_norm(input_norm_, narrow, residual);
  for (const Block& block : blocks_) {
    const BlockView<Scalar> normed = rows(block.normed, width),
                            activated = rows(block.activated, wide);
    apply_norm(block.norm, residual, normed);
    block.up.template forward<Scalar>(weights,
                                      normed,
                                      activated,
                                      rows(block.up_saved, block.up.saved_features()),
                                      scratch_for(block.up),
                                      rows(block.slope, wide));
    block.down.template forward<Scalar>(weights,
                                        activated,
                                        residual,
                                        rows(block.down_saved, block.down.saved_features()),
                                        scratch_for(block.down),
                                        {},
                                        Store::accumulate);
    if (rms != nullptr)
      rms->push_back(root_mean_square<Scalar>(residual, {.samples = inputs.samples}));
  }
  const BlockView<Scalar> prediction = rows(prediction_, options_.outputs);
  output_.forward<Scalar>(weights,
                          residual,
                          prediction,
                          rows(output_saved_, output_.saved_features()),
                          scratch_for(output_));
  return prediction;
}

template <typename Scalar>
double Mlp<Scalar>::loss_and_gradient(const Weights<Scalar>& weights,
                                      const ExampleBlock<Scalar>& examples,
                                      double scale,
                                      Scalar* workspace,
                                      Scalar* gradient) const {
  const BlockView<Scalar> prediction = predict(weights, examples.inputs, workspace);
  const Rows<Scalar> rows = rows_.of(workspace, examples.inputs.samples);
  const Index width = options_.width, wide = MlpOptions::kExpansion * width;
  const auto scratch_for = [&](const Linear& linear) {
    return rows(scratch_, linear.scratch_features());
  };
  const auto norm_backward =
      [&](const Norm& norm, BlockView<Scalar> dy, BlockView<Scalar> dx, Store store) {
        elementwise<Scalar>().layer_norm_backward(rows(norm.normalised, width),
                                                  rows(norm.inverse_deviation, 1),
                                                  weights + norm.gain,
                                                  dy,
                                                  dx,
                                                  store,
                                                  gradient + norm.gain,
                                                  gradient + norm.bias);
      };

  // The mean over the outputs of one example is its loss.
  const auto outputs = static_cast<double>(options_.outputs);
  const BlockView<Scalar> error = rows(error_, options_.outputs);
  const double loss =
      loss_and_error<Scalar>(options_.loss, prediction, examples.targets, scale / outputs, error) /
      outputs;

  // dresidual takes the place of the residual: a backward pass has used its input when it writes
  // the gradient by it.
  const BlockView<Scalar> residual = rows(residual_, width), dresidual = residual;
  const BlockView<Scalar> dnarrow = rows(narrow_, width), dwide = rows(wide_, wide);
  output_.backward<Scalar>(weights,
                           residual,
                           rows(output_saved_, output_.saved_features()),
                           error,
                           dresidual,
                           scratch_for(output_),
                           gradient);
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
    block->down.template backward<Scalar>(weights,
                                          rows(block->activated, wide),
                                          rows(block->down_saved, block->down.saved_features()),
                                          dresidual,
                                          dwide,
                                          scratch_for(block->down),
                                          gradient,
                                          rows(block->slope, wide));
    block->up.template backward<Scalar>(weights,
                                        rows(block->normed, width),
                                        rows(block->up_saved, block->up.saved_features()),
                                        dwide,
                                        dnarrow,
                                        scratch_for(block->up),
                                        gradient);
    norm_backward(block->norm, dnarrow, dresidual, Store::accumulate);
  }
  norm_backward(input_norm_, dresidual, dresidual, Store::overwrite);
  elementwise<Scalar>().multiply_elements(rows(input_slope_, width), dresidual);
  input_.backward<Scalar>(weights,
                          examples.inputs,
                          rows(input_saved_, input_.saved_features()),
                          dresidual,
                          {},
                          scratch_for(input_),
                          gradient);
  return loss;
}

template <typename Scalar>
void Mlp<Scalar>::losses(const Weights<Scalar>& weights,
                         const ExampleBlock<Scalar>& examples,
                         Scalar* workspace,
                         std::span<double> each) const {
  const BlockView<Scalar> prediction = predict(weights, examples.inputs, workspace);
  for (Index n = 0; n < prediction.samples; ++n) {
    double sum = 0;
    for (Index f = 0; f < prediction.features; ++f) {
      const double error = static_cast<double>(prediction.row(f)[n]) -
                           static_cast<double>(examples.targets.row(f)[n]);
      sum += loss_of(options_.loss, error);
    }
    each[static_cast<std::size_t>(n)] = sum / static_cast<double>(prediction.features);
  }
}

template <typename Scalar>
std::vector<double> Mlp<Scalar>::block_rms(const Weights<Scalar>& weights,
                                           const ExampleBlock<Scalar>& examples,
                                           Scalar* workspace) const {
  std::vector<double> rms;
  predict(weights, examples.inputs, workspace, &rms);
  return rms;
}

template class Mlp<float>;
template class Mlp<double>;

}  // namespace einsearch
