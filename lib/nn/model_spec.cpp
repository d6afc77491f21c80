#include "nn/model_spec.h"

#include <fmt/format.h>

namespace einsearch {
namespace {

template <typename Scalar>
std::unique_ptr<Model<Scalar>> make(const MlpOptions& options) {
  return std::make_unique<Mlp<Scalar>>(options);
}

std::vector<LayerSize> layers_of(const MlpOptions& options) {
  const Index narrow = options.width, wide = MlpOptions::kExpansion * narrow;
  return {{narrow, wide}, {wide, narrow}};
}

std::string text_of(const ModelOptions& options) {
  return fmt::format("structure={} rounding={} order={} layers={} weight_norm={} width={} depth={}",
                     options.structure.name,
                     to_string(options.resolve.rounding),
                     to_string(options.resolve.order),
                     to_string(options.layers),
                     options.has_weight_norm,
                     options.width,
                     options.depth);
}

std::string own_text(const MlpOptions& options) {
  const char* loss = options.loss == RegressionLoss::mse ? "" : " loss=huber";
  return fmt::format("base_width={}{}", options.base_width, loss);
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

double model_flops(const ModelSpec& spec) { return make_model<float>(spec)->flops_per_example(); }

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
