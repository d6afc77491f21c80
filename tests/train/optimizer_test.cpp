#include "train/optimizer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "compute/isa.h"
#include "compute/random_block.h"
#include "nn/mlp.h"
#include "nn/transformer.h"
#include "structure/notation.h"
#include "train/training_state.h"

using namespace einsearch;

namespace {

MlpOptions small_model() {
  MlpOptions options;
  options.inputs = 5;
  options.width = 20;
  options.depth = 1;
  options.structure = parse_structure("btt");
  return options;
}

/// The parameters after `steps` updates on one batch, and those before.
struct Trained {
  std::vector<float> before, after;
  double first_loss = 0, last_loss = 0;
};

Trained trained(const OptimizerOptions& optimizer, double rate, int steps, int threads = 1) {
  const Mlp<float> model(small_model());
  const RandomBlock<float> inputs(5, 300, 1), targets(1, 300, 2);
  const ExampleBlock<float> batch{inputs.view, targets.view};
  TrainingState<float> state(
      model, initial_values<float>(model.parameters(), 3), optimizer, Threads(threads));
  Trained result;
  result.before = state.numbers().values;
  result.first_loss = state.compute_gradient(batch).loss;
  for (int i = 0; i < steps; ++i) state.update(batch, rate);
  result.last_loss = state.compute_gradient(batch).loss;
  result.after = state.numbers().values;
  return result;
}

}  // namespace

TEST_CASE("plain descent goes against the gradient, by each tensor's own rate") {
  const Mlp<double> model(small_model());
  const RandomBlock<double> inputs(5, 30, 1), targets(1, 30, 2);
  TrainingState<double> state(model,
                              initial_values<double>(model.parameters(), 3),
                              {.kind = OptimizerKind::sgd, .beta1 = 0, .weight_decay = 0.5},
                              Threads(1));
  const std::vector<double> before = state.numbers().values;
  state.update({inputs.view, targets.view}, 0.25);
  const std::vector<double> after = state.numbers().values;
  for (const ParameterInfo& tensor : model.parameters().tensors()) {
    CAPTURE(tensor.name);
    const double rate = 0.25 * tensor.lr_multiplier_sgd;
    const double kept = 1 - (tensor.decays ? 0.5 * rate : 0);
    for (Index i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      const double gradient = state.gradient().data()[i];
      const auto slot = static_cast<std::size_t>(i);
      CHECK(after[slot] == doctest::Approx(before[slot] * kept - rate * gradient).epsilon(1e-12));
    }
  }
}

TEST_CASE("a step of lion has the same size whatever the gradient") {
  const Trained step = trained({.kind = OptimizerKind::lion, .beta2 = 0.99}, 1e-3, 1);
  const ParameterLayout layout = Mlp<float>(small_model()).parameters();
  for (const ParameterInfo& tensor : layout.tensors()) {
    CAPTURE(tensor.name);
    for (Index i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      const auto slot = static_cast<std::size_t>(i);
      const double moved = std::abs(step.after[slot] - step.before[slot]);
      const double expected = 1e-3 * tensor.lr_multiplier;
      CHECK((moved == 0 || moved == doctest::Approx(expected).epsilon(1e-3)));
    }
  }
}

TEST_CASE("every optimizer learns, to the same bytes for every instruction set and thread count") {
  struct Case {
    OptimizerOptions options;
    double rate;
  };
  const Isa before = active_isa();
  for (const Case& c : {Case{{.kind = OptimizerKind::sgd, .beta1 = 0.5}, 0.05},
                        Case{{.kind = OptimizerKind::lion, .beta2 = 0.99, .weight_decay = 1}, 1e-3},
                        Case{{.kind = OptimizerKind::adamw}, 1e-3}}) {
    CAPTURE(to_string(c.options.kind));
    const Trained expected = trained(c.options, c.rate, 30);
    CHECK(expected.last_loss < 0.95 * expected.first_loss);
    for (const Isa isa : supported_isas()) {
      use_isa(isa);
      const Trained got = trained(c.options, c.rate, 30, 3);
      CHECK(got.after == expected.after);
    }
    use_isa(before);
  }
}

TEST_CASE("under plain descent embeddings learn in proportion to the width") {
  for (const Index width : {16, 64, 768}) {
    GptOptions options;
    options.structure = parse_structure("dense");
    options.width = width;
    options.depth = 1;
    const Transformer<float> model(transformer_options(options));
    const ParameterInfo& embedding = model.parameters().tensors().front();
    CHECK(embedding.lr_multiplier_sgd == static_cast<double>(width) / 768);
    CHECK(embedding.lr_multiplier == 1);
  }
}

TEST_CASE("optimizers are read by name") {
  for (const std::string& name : optimizer_names()) CHECK(to_string(parse_optimizer(name)) == name);
  CHECK_THROWS_WITH_AS(parse_optimizer("adam"), doctest::Contains("did you mean adamw?"), Error);
}
