// A model by its description: which one, and all of its options.
//
// To add a model: derive its options from ModelOptions, add them to the variant, and say in
// model_spec.cpp how it is made and which text tells it from others.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "nn/mlp.h"
#include "nn/model.h"

namespace einsearch {

using ModelSpec = std::variant<MlpOptions>;

/// What all models have.
ModelOptions& model_options(ModelSpec& spec);
const ModelOptions& model_options(const ModelSpec& spec);

/// Throws Error, naming the layer, where the structure does not fit.
template <typename Scalar>
std::unique_ptr<Model<Scalar>> make_model(const ModelSpec& spec);

/// Forward FLOPs per example.
double model_flops(const ModelSpec& spec);

/// The different sizes of the linear layers inside the model's blocks, which take the structure.
struct LayerSize {
  Index d_in = 0;
  Index d_out = 0;
};
std::vector<LayerSize> structured_layers(const ModelSpec& spec);

/// Every option that changes the result.
std::string canonical_text(const ModelSpec& spec);

}  // namespace einsearch
