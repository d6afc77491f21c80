#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "search/trainer.h"
#include "structure/einsum.h"
#include "structure/notation.h"
#include "train/run.h"

namespace einsearch {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson sizes_json(const Sizes& n) {
  return {{"alpha", n.n_alpha},
          {"beta", n.n_beta},
          {"gamma", n.n_gamma},
          {"delta", n.n_delta},
          {"epsilon", n.n_epsilon},
          {"phi", n.n_phi},
          {"rho", n.n_rho}};
}

OrderedJson factor_json(const ParameterInfo& tensor) {
  return {{"shape", tensor.shape},
          {"init_std", tensor.init_std},
          {"lr_multiplier_adam", tensor.lr_multiplier},
          {"lr_multiplier_sgd", tensor.lr_multiplier_sgd}};
}

/// One linear layer; its weight tensors are added as A and B, or weight.
OrderedJson layer_json(const std::string& name, const LayerShape& shape) {
  OrderedJson json = {{"name", name},
                      {"d_in", shape.d_in},
                      {"d_out", shape.d_out},
                      {"is_dense", shape.is_dense},
                      {"params", shape.params},
                      {"flops", shape.flops}};
  if (shape.is_dense) {
    json["einsum"] = einsum_text(shape);
    return json;
  }
  const EinsumSteps steps = einsum_steps(shape);
  json["sizes"] = sizes_json(shape.sizes);
  json["pad_in"] = shape.sizes.pad_in();
  json["pad_out"] = shape.sizes.pad_out();
  json["order"] = to_string(shape.order);
  json["einsum"] = einsum_text(shape);
  json["einsum_first"] = steps.first;
  json["einsum_second"] = steps.second;
  return json;
}

OrderedJson layers_json(const ParameterLayout& layout) {
  OrderedJson layers = OrderedJson::array();
  for (const ParameterInfo& tensor : layout.tensors()) {
    if (!tensor.layer) continue;
    const std::size_t dot = tensor.name.rfind('.');
    const std::string name = tensor.name.substr(0, dot), part = tensor.name.substr(dot + 1);
    if (layers.empty() || layers.back().at("name") != name)
      layers.push_back(layer_json(name, *tensor.layer));
    layers.back()[part] = factor_json(tensor);
  }
  return layers;
}

/// Attention heads; 0 for a model without attention.
Index heads_of(const ModelSpec& spec) {
  if (const auto* gpt = std::get_if<GptOptions>(&spec)) return transformer_options(*gpt).heads;
  if (const auto* pixels = std::get_if<PixelOptions>(&spec)) return pixels->heads;
  return 0;
}

}  // namespace

std::string run_json(const PlannedRun& run, const std::string& data) {
  const RunSpec& spec = run.spec;
  const ModelOptions& options = model_options(spec.model);
  const auto model = make_model<float>(spec.model);
  const Curve curve = describe(spec);
  const OptimizerOptions& o = spec.optimizer;
  const TaskShape shape = task_shape(spec.task);
  std::error_code ignored;
  OrderedJson json = {
      {"id", run.id},
      {"program", std::filesystem::read_symlink("/proc/self/exe", ignored).string()},
      {"structure", structure_text(options)},
      {"family", curve.family},
      {"theta", curve.theta},
      {"exponents", options.structure.theta.exponents()},
      {"task", curve.task},
      {"inputs", shape.inputs},
      {"outputs", shape.outputs},
      {"vocabulary", shape.vocabulary},
      {"data", data},
      {"width", options.width},
      {"depth", options.depth},
      {"heads", heads_of(spec.model)},
      {"rounding", to_string(options.resolve.rounding)},
      {"order_rule", to_string(options.resolve.order)},
      {"layers_choice", to_string(options.layers)},
      {"has_weight_norm", options.has_weight_norm},
      {"params", run.params},
      {"flops_per_example", model->flops_per_example()},
      {"train_flops", run.train_flops},
      {"batch", spec.batch},
      {"steps", spec.steps},
      {"lr", spec.lr},
      {"schedule", to_string(spec.schedule.kind)},
      {"schedule_steps", std::max(spec.steps, spec.schedule.steps)},
      {"warmup", spec.schedule.warmup},
      {"decay_start",
       spec.schedule.kind == ScheduleKind::constant
           ? spec.steps
           : std::min(spec.steps, spec.schedule.decay_start())},
      {"beta1", o.beta1},
      {"beta2", o.beta2},
      {"epsilon", o.epsilon},
      {"weight_decay", o.weight_decay},
      {"clip", o.clip},
      {"seed_init", spec.seed_init},
      {"seed_data", seeds(spec.task).data},
      {"seed_task", seeds(spec.task).task},
      {"held_out", spec.held_out},
      {"recorded_steps", recorded_steps(spec)},
      {"layers", layers_json(model->parameters())}};
  return json.dump(1) + "\n";
}

}  // namespace einsearch
