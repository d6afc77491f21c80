// The reference's regression experiment, repeated on its own target, test set and examples.
//
// Those come from one generator (Mersenne Twister, seed 42) in a known order: target weights, 1,024
// samples that standardise the target, 512 test examples, then the batches. Only the initial
// weights cannot be had again, so losses are compared as means over seeds.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <random>

#include "compute/elementwise.h"
#include "compute/parallel.h"
#include "compute/product.h"
#include "compute/random_block.h"
#include "golden.h"
#include "nn/mlp.h"
#include "structure/notation.h"
#include "train/schedule.h"
#include "train/training_state.h"

using namespace einsearch;
using nlohmann::json;

namespace {

constexpr Index kInputs = 8, kBatch = 512, kSteps = 300, kHeldOut = 16384;

/// Normal draws as the reference's library makes them: 16 uniforms of 24 bits at a time, Box-Muller
/// on element i and i + 8.
class ReferenceNormal {
 public:
  /// `count` draws, a multiple of 16.
  std::vector<float> draw(Index count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = static_cast<float>(generator_() & 0xFFFFFFu) * 0x1p-24f;
    for (std::size_t group = 0; group < values.size(); group += 16) {
      for (std::size_t i = group; i < group + 8; ++i) {
        const float radius = std::sqrt(-2 * std::log(1 - values[i]));
        const float angle = 2 * std::numbers::pi_v<float> * values[i + 8];
        values[i] = radius * std::cos(angle);
        values[i + 8] = radius * std::sin(angle);
      }
    }
    return values;
  }

 private:
  std::mt19937 generator_{42};
};

/// Inputs (8, N) and targets (1, N) in one piece of memory.
struct Examples {
  explicit Examples(Index samples)
      : memory((kInputs + 1) * samples),
        inputs{memory.data(), kInputs, samples, samples},
        targets{inputs.row(kInputs), 1, samples, samples} {}

  void set_inputs(const std::vector<float>& rows) {
    for (Index n = 0; n < inputs.samples; ++n) {
      for (Index f = 0; f < kInputs; ++f)
        inputs.row(f)[n] = rows[static_cast<std::size_t>(n * kInputs + f)];
    }
  }
  ExampleBlock<float> view() const { return {inputs, targets}; }

  AlignedBuffer<float> memory;
  BlockView<float> inputs, targets;
};

/// Six hidden layers of sqrt(2) relu, 128 wide, and a linear read-out that is standardised on 1,024
/// samples.
class ReferenceTarget {
 public:
  explicit ReferenceTarget(ReferenceNormal& normal) {
    for (Index layer = 0; layer < kLayers; ++layer) {
      const Index fan_in = layer == 0 ? kInputs : kWidth;
      weights_.push_back(scaled(normal.draw(kWidth * fan_in), fan_in));
    }
    read_out_ = scaled(normal.draw(kWidth), kWidth);
    Examples scale(1024);
    scale.set_inputs(normal.draw(1024 * kInputs));
    label(scale);
    double mean = 0, square = 0;
    for (Index n = 0; n < 1024; ++n) mean += static_cast<double>(scale.targets.data[n]) / 1024;
    for (Index n = 0; n < 1024; ++n)
      square += std::pow(static_cast<double>(scale.targets.data[n]) - mean, 2);
    const double deviation = std::sqrt(square / 1023) + 1e-8;
    for (float& weight : read_out_) weight = static_cast<float>(weight / deviation);
    bias_ = static_cast<float>(-mean / deviation);
  }

  void label(Examples& examples) const {
    const Index samples = examples.inputs.samples;
    AlignedBuffer<float> first(kWidth * samples), second(kWidth * samples);
    BlockView<float> hidden = examples.inputs, next{first.data(), kWidth, samples, samples};
    for (const std::vector<float>& w : weights_) {
      products<float>().multiply(
          {w.data(), kWidth, hidden.features, hidden.features, 1}, hidden, next, Store::overwrite);
      elementwise<float>().scaled_relu(std::numbers::sqrt2_v<float>, next);
      hidden = next;
      next.data = next.data == first.data() ? second.data() : first.data();
    }
    products<float>().multiply(
        {read_out_.data(), 1, kWidth, kWidth, 1}, hidden, examples.targets, Store::overwrite);
    elementwise<float>().add_bias(&bias_, examples.targets);
  }

 private:
  static constexpr Index kWidth = 128, kLayers = 6;

  static std::vector<float> scaled(std::vector<float> values, Index fan_in) {
    for (float& value : values)
      value *= static_cast<float>(1 / std::sqrt(static_cast<double>(fan_in)));
    return values;
  }

  std::vector<std::vector<float>> weights_;
  std::vector<float> read_out_;
  float bias_ = 0;
};

double mean_loss(TrainingState<float>& state, const Examples& examples) {
  std::vector<double> each(static_cast<std::size_t>(examples.inputs.samples));
  state.evaluate(examples.view(), each);
  double sum = 0;
  for (const double loss : each) sum += loss;
  return sum / static_cast<double>(each.size());
}

}  // namespace

TEST_CASE(
    "golden: the reference's short trainings, on its own target and examples, end at its losses") {
  const auto path = find_golden("train_synth.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);

  ReferenceNormal normal;
  const ReferenceTarget target(normal);
  Examples test(kBatch), held_out(kHeldOut);
  test.set_inputs(normal.draw(kBatch * kInputs));
  target.label(test);
  double mean = 0;
  for (Index n = 0; n < kBatch; ++n) mean += static_cast<double>(test.targets.data[n]) / kBatch;
  REQUIRE(mean == doctest::Approx(golden["runs"][0]["ytest_mean"].get<double>())
                      .epsilon(1e-4));  // it is that target
  std::vector<Examples> batches;
  for (Index step = 0; step < kSteps; ++step) {
    batches.emplace_back(kBatch).set_inputs(normal.draw(kBatch * kInputs));
    target.label(batches.back());
  }
  held_out.set_inputs(normal.draw(kHeldOut * kInputs));
  target.label(held_out);

  for (const json& expected : golden["summary"]) {
    const std::string theta = expected["theta"];
    MlpOptions options;
    options.structure = parse_structure(theta.empty() ? "dense" : theta);
    options.resolve = {Rounding::paper, OrderRule::a_first};
    options.layers = expected["layers"] == "intermediate" ? LayerChoice::intermediate
                                                          : LayerChoice::all_but_last;
    // A dense first layer is the same layer under either choice.
    if (theta.empty() && options.layers == LayerChoice::all_but_last) continue;
    const Mlp<float> model(options);
    const Schedule schedule{.kind = ScheduleKind::cosine, .warmup = 0, .steps = kSteps};
    constexpr Index kSeeds = 3;
    std::array<std::array<double, 3>, kSeeds> losses{};
    Threads(available_threads()).for_each(kSeeds, [&](Index seed) {
      const auto slot = static_cast<std::size_t>(seed);
      TrainingState<float> state(
          model,
          initial_values<float>(model.parameters(), static_cast<std::uint64_t>(seed)),
          {},
          Threads(1));
      for (Index step = 0; step < kSteps; ++step) {
        state.update(batches[static_cast<std::size_t>(step)].view(),
                     1e-3 * schedule.rate_share(step));
        if ((step + 1) % 100 == 0)
          losses[slot][static_cast<std::size_t>(step / 100)] = mean_loss(state, held_out);
      }
    });
    for (const int step : {100, 200, 300}) {
      double average = 0;
      for (const auto& run : losses)
        average += run[static_cast<std::size_t>(step / 100 - 1)] / kSeeds;
      const double reference = expected["eval16384_" + std::to_string(step) + "_mean"];
      CAPTURE(options.structure.name);
      CAPTURE(step);
      CAPTURE(average);
      CAPTURE(reference);
      CHECK(std::abs(average / reference - 1) <= 0.1);
    }
  }
}
