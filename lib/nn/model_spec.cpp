#include "nn/model_spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/transformer.h"

namespace einsearch {
namespace {

template <typename Scalar>
std::unique_ptr<Model<Scalar>> make(const MlpOptions& options) {
  return std::make_unique<Mlp<Scalar>>(options);
}

template <typename Scalar>
std::unique_ptr<Model<Scalar>> make(const GptOptions& options) {
  return std::make_unique<Transformer<Scalar>>(transformer_options(options));
}

template <typename Scalar>
std::unique_ptr<Model<Scalar>> make(const PixelOptions& options) {
  return std::make_unique<Transformer<Scalar>>(transformer_options(options));
}

/// Adds the layers of a role unless they are dense or there already.
void add_layer(std::vector<StructuredLayer>& layers,
               const ModelOptions& options,
               LayerRole role,
               Index d_in,
               Index d_out) {
  const std::optional<Structure> structure = layer_structure(options, role);
  if (!structure || structure->is_dense) return;
  const StructuredLayer layer{*structure, d_in, d_out};
  if (std::find(layers.begin(), layers.end(), layer) == layers.end()) layers.push_back(layer);
}

void add_feed_forward(std::vector<StructuredLayer>& layers,
                      const ModelOptions& options,
                      Index expansion) {
  const Index narrow = options.width, wide = expansion * narrow;
  add_layer(layers, options, LayerRole::up, narrow, wide);
  add_layer(layers, options, LayerRole::down, wide, narrow);
}

std::vector<StructuredLayer> layers_of(const MlpOptions& options) {
  std::vector<StructuredLayer> layers;
  add_feed_forward(layers, options, MlpOptions::kExpansion);
  return layers;
}

/// Of both transformers.
std::vector<StructuredLayer> layers_of(const ModelOptions& options) {
  std::vector<StructuredLayer> layers;
  if (!options.aligns_heads) {
    for (const LayerRole role :
         {LayerRole::query, LayerRole::key, LayerRole::value, LayerRole::output})
      add_layer(layers, options, role, options.width, options.width);
  }
  add_feed_forward(layers, options, TransformerOptions::kExpansion);
  return layers;
}

std::string text_of(const ModelOptions& options) {
  return fmt::format(
      "structure={} rounding={} order={} layers={} weight_norm={}{} width={} depth={}",
      structure_text(options),
      to_string(options.resolve.rounding),
      to_string(options.resolve.order),
      to_string(options.layers),
      options.has_weight_norm,
      options.has_gains ? " gains" : "",
      options.width,
      options.depth);
}

std::string own_text(const MlpOptions& options) {
  const char* loss = options.loss == RegressionLoss::mse ? "" : " loss=huber";
  return fmt::format("base_width={}{}", options.base_width, loss);
}

std::string own_text(const GptOptions& options) {
  return fmt::format("model=gpt vocabulary={} context={} heads={} base_width={}",
                     options.vocabulary,
                     options.context,
                     transformer_options(options).heads,
                     options.base_width);
}

std::string own_text(const PixelOptions& options) {
  return fmt::format("model=pixels vocabulary={} context={} heads={} base_width={} positions={}",
                     options.vocabulary,
                     options.context,
                     options.heads,
                     options.base_width,
                     transformer_options(options).positions);
}

}  // namespace

ModelOptions& model_options(ModelSpec& spec) {
  return std::visit([](auto& options) -> ModelOptions& { return options; }, spec);
}

const ModelOptions& model_options(const ModelSpec& spec) {
  return std::visit([](const auto& options) -> const ModelOptions& { return options; }, spec);
}

template <typename Scalar>
std::unique_ptr<Model<Scalar>> make_model(const ModelSpec& spec) {
  return std::visit([](const auto& options) { return make<Scalar>(options); }, spec);
}

double model_flops(const ModelSpec& spec) {
  const auto model = make_model<float>(spec);
  return model->flops_per_example() / static_cast<double>(model->tokens_per_example());
}

std::vector<StructuredLayer> structured_layers(const ModelSpec& spec) {
  return std::visit([](const auto& options) { return layers_of(options); }, spec);
}

std::string canonical_text(const ModelSpec& spec) {
  return text_of(model_options(spec)) + " " +
         std::visit([](const auto& options) { return own_text(options); }, spec);
}

template std::unique_ptr<Model<float>> make_model<float>(const ModelSpec&);
template std::unique_ptr<Model<double>> make_model<double>(const ModelSpec&);

}  // namespace einsearch
