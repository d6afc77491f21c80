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
#include "nn/transformer_options.h"

namespace einsearch {

using ModelSpec = std::variant<MlpOptions, GptOptions, PixelOptions>;

/// What all models have.
ModelOptions& model_options(ModelSpec& spec);
const ModelOptions& model_options(const ModelSpec& spec);

/// Throws Error, naming the layer, where the structure does not fit.
template <typename Scalar>
std::unique_ptr<Model<Scalar>> make_model(const ModelSpec& spec);

/// Forward FLOPs per example; of sequences, per token.
double model_flops(const ModelSpec& spec);

/// The different structured layers inside the model's blocks whose sizes follow from theta: neither
/// dense ones nor those aligned with heads.
struct StructuredLayer {
  Structure structure;
  Index d_in = 0;
  Index d_out = 0;

  bool operator==(const StructuredLayer&) const = default;
};
std::vector<StructuredLayer> structured_layers(const ModelSpec& spec);

/// Every option that changes the result.
std::string canonical_text(const ModelSpec& spec);

}  // namespace einsearch
