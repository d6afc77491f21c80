#include "nn/mlp.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "compute/random_block.h"
#include "golden.h"
#include "gradients.h"
#include "nn/reference_model.h"
#include "structure/notation.h"
#include "train/schedule.h"
#include "train/training_state.h"

using namespace einsearch;
using nlohmann::json;

namespace {

/// Our name of a tensor for the reference's, e.g. hidden_layers.0.linear1.matrix_params.1 ->
/// blocks.0.up.B.
std::string our_name(std::string name, bool is_structured) {
  const auto replace = [&name](const std::string& from, const std::string& to) {
    const std::size_t at = name.find(from);
    if (at != std::string::npos) name.replace(at, from.size(), to);
  };
  replace("input_layer", "input");
  replace("output_layer", "output");
  replace("input_ln", "input_norm");
  replace("hidden_layers", "blocks");
  replace("linear1", "up");
  replace("linear2", "down");
  replace(".ln.", ".norm.");
  replace("matrix_params.0", is_structured ? "A" : "weight");
  replace("matrix_params.1", "B");
  if (name.ends_with(".b")) name += "ias";
  return name;
}

bool is_einsum_mlp(const json& model) {
  return model["struct"].get<std::string>().starts_with("einsum");
}

MlpOptions options_of(const json& model) {
  const std::string layers = model.value("layers", "intermediate");
  MlpOptions options;
  options.structure =
      parse_structure(is_einsum_mlp(model) ? model["theta"].get<std::string>() : "dense");
  options.resolve = {Rounding::paper, OrderRule::a_first};
  options.layers = layers == "all_but_last" ? LayerChoice::all_but_last
                   : layers == "all"        ? LayerChoice::all
                                            : LayerChoice::intermediate;
  options.has_weight_norm = model["struct"] == "einsum_norm";
  options.width = model["width"];
  if (model.contains("depth")) options.depth = model["depth"];
  if (model.contains("base_width")) options.base_width = model["base_width"];
  return options;
}

}  // namespace

TEST_CASE("the gradient of the model equals central differences, with every choice of layers") {
  for (const char* structure : {"dense", "monarch", "(0.5|0.25|0.25|0.25|0.5|0.25|0.25)"}) {
    for (const LayerChoice layers : {LayerChoice::intermediate, LayerChoice::all_but_last}) {
      CAPTURE(structure);
      MlpOptions options;
      options.structure = parse_structure(structure);
      options.width = 6;
      options.depth = 2;
      options.layers = layers;
      const Mlp<double> model(options);
      const Index samples = 5;
      const RandomBlock<double> x(8, samples, 1), target(1, samples, 2);
      AlignedBuffer<double> values = random_values<double>(model.parameters().size(), 3);
      AlignedBuffer<double> gradient(values.size()), unused(values.size());
      AlignedBuffer<double> workspace(model.workspace_size(samples));
      const ExampleBlock<double> examples{x.view, target.view};
      model.loss_and_gradient(values.data(), examples, 0.5, workspace.data(), gradient.data());
      check_gradient(values.span(), gradient.span(), [&] {
        return 0.5 *
               model.loss_and_gradient(values.data(), examples, 1, workspace.data(), unused.data());
      });
    }
  }
}

TEST_CASE("an untrained model predicts zero: its loss is the mean square of the targets") {
  MlpOptions options;
  options.structure = parse_structure("monarch");
  const Mlp<float> model(options);
  const RandomBlock<float> x(8, 20, 1), target(1, 20, 2);
  const AlignedBuffer<float> values = initial_values<float>(model.parameters(), 7);
  AlignedBuffer<float> workspace(model.workspace_size(20));
  std::vector<double> losses(20);
  model.losses(values.data(), {x.view, target.view}, workspace.data(), losses);
  for (Index n = 0; n < 20; ++n) {
    const double t = target.view.data[n];
    CHECK(losses[static_cast<std::size_t>(n)] == doctest::Approx(t * t));
  }
}

TEST_CASE("a structure that does not fit names the layer") {
  MlpOptions options;
  options.structure = parse_structure("g2");
  options.resolve.rounding = Rounding::paper;
  options.width = 128;
  try {
    const Mlp<float> model(options);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("layer blocks.0.up (128 -> 512)") != std::string::npos);
  }
}

TEST_CASE(
    "golden: whole models have the reference's shapes, initialisation, multipliers, parameters and "
    "FLOPs") {
  const auto path = find_golden("mlp_model.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);
  for (const json& expected : golden["models"]) {
    CAPTURE(expected["struct"].get<std::string>());
    CAPTURE(expected["theta"].get<std::string>());
    CAPTURE(expected["width"].get<Index>());
    const MlpOptions options = options_of(expected);
    if (expected.contains("error")) {
      CHECK_THROWS_AS(Mlp<float>{options}, Error);
      continue;
    }
    const Mlp<float> model(options);
    CHECK(model.parameters().size() == expected["total_params"].get<Index>());
    CHECK(model.flops_per_example() == 2 * expected["flops_per_example"].get<double>());
    CHECK(model.parameters().tensors().size() == expected["params"].size());
    for (const json& parameter : expected["params"]) {
      const ParameterInfo& tensor =
          find_tensor(model.parameters(), our_name(parameter["name"], is_einsum_mlp(expected)));
      CAPTURE(tensor.name);
      CHECK(tensor.size == parameter["numel"].get<Index>());
      std::vector<Index> ours = tensor.shape, theirs = parameter["shape"];
      if (tensor.shape.size() < 5) {  // a vector, or a dense weight in either orientation
        std::sort(ours.begin(), ours.end());
        std::sort(theirs.begin(), theirs.end());
        CHECK(ours == theirs);
      }
      CHECK(tensor.decays == parameter["weight_decay"].get<bool>());
      CHECK((tensor.init == Init::ones) == (parameter["init"] == "ones"));
      CHECK(tensor.init_std == doctest::Approx(parameter["init_std"].get<double>()).epsilon(1e-12));
      const bool is_sgd = expected["optimizer"] == "sgd";
      if (!is_sgd)
        CHECK(tensor.lr_multiplier ==
              doctest::Approx(parameter["lr_mult"].get<double>()).epsilon(1e-12));
      if (is_sgd)
        CHECK(tensor.lr_multiplier_sgd ==
              doctest::Approx(parameter["lr_mult"].get<double>()).epsilon(1e-12));
    }
  }
}

TEST_CASE("golden: training traces are reproduced to 1e-9") {
  const auto path = find_golden("mlp_exact.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);
  for (const json& run : golden["runs"]) {
    CAPTURE(run["tag"].get<std::string>());
    const bool is_structured = is_einsum_mlp(run);
    const Mlp<double> model(options_of(run));
    const ParameterLayout& layout = model.parameters();
    const auto load = [&](const json& from) {
      return load_values(
          layout, from, [&](const std::string& name) { return our_name(name, is_structured); });
    };

    const Count steps = run["steps"];
    const Schedule schedule{.kind = ScheduleKind::cosine, .warmup = 0, .steps = steps};
    OptimizerOptions optimizer;
    optimizer.weight_decay = run["weight_decay"];
    optimizer.clip = run["clip"];
    TrainingState<double> state(model, load(run["init"]), optimizer, Threads(1));
    const auto permutation = run["pixel_permutation"].get<std::vector<std::size_t>>();
    for (Count step = 0; step < steps; ++step) {
      CAPTURE(step);
      const auto index = static_cast<std::size_t>(step);
      const auto xs = run["X"][index].get<std::vector<std::vector<double>>>();
      const auto ys = run["Y"][index].get<std::vector<std::vector<double>>>();
      const auto samples = static_cast<Index>(xs.size());
      RandomBlock<double> x(8, samples, 0), y(1, samples, 0);
      for (Index n = 0; n < samples; ++n) {
        const auto sample = static_cast<std::size_t>(n);
        for (std::size_t f = 0; f < 8; ++f)
          x.view.row(static_cast<Index>(f))[n] = xs[sample][permutation[f]];
        y.view.row(0)[n] = ys[sample][0];
      }
      if (step == 0) {
        state.compute_gradient({x.view, y.view});
        check_values(layout, state.gradient(), load(run["grad_step0"]), 1e-9);
      }
      const double rate = run["base_lr"].get<double>() * schedule.rate_share(step);
      CHECK(rate == doctest::Approx(run["lr_first_group"][index].get<double>()).epsilon(1e-12));
      const UpdateResult result = state.update({x.view, y.view}, rate);
      CHECK(result.loss == doctest::Approx(run["losses"][index].get<double>()).epsilon(1e-9));
      CHECK(result.gradient_norm ==
            doctest::Approx(run["grad_norms"][index].get<double>()).epsilon(1e-9));
    }
    check_values(layout, state.values(), load(run["final"]), 1e-9);
  }
}
