#include "nn/model_spec.h"

#include <fmt/format.h>

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

std::vector<LayerSize> layers_of(const MlpOptions& options) {
  const Index narrow = options.width, wide = MlpOptions::kExpansion * narrow;
  return {{narrow, wide}, {wide, narrow}};
}

/// Of both transformers.
std::vector<LayerSize> layers_of(const ModelOptions& options) {
  const Index narrow = options.width, wide = TransformerOptions::kExpansion * narrow;
  std::vector<LayerSize> sizes;
  if (takes_structure(options.layers, LayerRole::query)) sizes.push_back({narrow, narrow});
  if (takes_structure(options.layers, LayerRole::up)) {
    sizes.push_back({narrow, wide});
    sizes.push_back({wide, narrow});
  }
  return sizes;
}

std::string text_of(const ModelOptions& options) {
  return fmt::format(
      "structure={} rounding={} order={} layers={} weight_norm={}{} width={} depth={}",
      structure_name(options),
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

std::vector<LayerSize> structured_layers(const ModelSpec& spec) {
  return std::visit([](const auto& options) { return layers_of(options); }, spec);
}

std::string canonical_text(const ModelSpec& spec) {
  return text_of(model_options(spec)) + " " +
         std::visit([](const auto& options) { return own_text(options); }, spec);
}

template std::unique_ptr<Model<float>> make_model<float>(const ModelSpec&);
template std::unique_ptr<Model<double>> make_model<double>(const ModelSpec&);

}  // namespace einsearch
