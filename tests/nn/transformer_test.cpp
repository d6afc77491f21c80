#include "nn/transformer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "compute/isa.h"
#include "gradients.h"
#include "nn/token_block.h"
#include "structure/notation.h"
#include "train/training_state.h"

using namespace einsearch;

TEST_CASE("the gradient of a transformer equals central differences") {
  struct Case {
    const char* structure;
    LayerChoice layers;
    bool has_weight_norm;
  };
  for (const Case& c : {Case{"dense", LayerChoice::intermediate, false},
                        Case{"monarch", LayerChoice::all, true},
                        Case{"(0.5|0.25|0.25|0.25|0.5|0.25|0.25)", LayerChoice::ffn, false},
                        Case{"low-rank:1/2", LayerChoice::attention, true},
                        Case{"btt-moe:experts=3,active=2", LayerChoice::intermediate, false},
                        Case{"layer-moe:experts=2,active=1,of=btt", LayerChoice::all, true},
                        Case{"ffn-moe:experts=2,active=2", LayerChoice::ffn, false}}) {
    for (const bool is_pixel : {false, true}) {
      CAPTURE(std::string(c.structure));
      CAPTURE(is_pixel);
      GptOptions gpt;
      gpt.context = 5;
      gpt.vocabulary = 7;
      gpt.width = 6;
      gpt.depth = 2;
      gpt.heads = 3;
      const ModelStructure structure = parse_model_structure(c.structure);
      gpt.structure = structure.structure;
      gpt.mixture = structure.mixture;
      gpt.layers = c.layers;
      gpt.has_weight_norm = c.has_weight_norm;
      PixelOptions pixel;
      static_cast<ModelOptions&>(pixel) = gpt;
      pixel.context = 5;
      pixel.vocabulary = 7;
      pixel.heads = 2;
      const Transformer<double> model(is_pixel ? transformer_options(pixel)
                                               : transformer_options(gpt));
      const ParameterLayout& layout = model.parameters();
      const auto sequences = some_sequences(3, 6, 7);
      const auto inputs = token_block<double>(sequences, is_pixel ? 1 : 0, 5);
      const auto targets = token_block<double>(sequences, 1, 5);
      const ExampleBlock<double> examples{inputs.view, targets.view};
      AlignedBuffer<double> values = random_values<double>(layout.size(), 3);
      for (double& value : values.span()) value *= 0.5;
      AlignedBuffer<double> effective(layout.size()), gradient(layout.size()),
          unused(layout.size());
      AlignedBuffer<double> workspace(model.workspace_size(3));
      normalise_weights(layout, values.data(), effective.data());
      model.loss_and_gradient(effective.data(), examples, 0.7, workspace.data(), gradient.data());
      normalise_weights_backward(layout, values.data(), gradient.data());
      std::vector<double> each(3);
      check_gradient(
          values.span(),
          gradient.span(),
          [&] {
            normalise_weights(layout, values.data(), effective.data());
            model.losses(effective.data(), examples, workspace.data(), each);
            const double auxiliary =
                3 * 0.01 * model.auxiliary_loss(effective.data(), examples, workspace.data());
            return 0.7 * (each[0] + each[1] + each[2] + auxiliary);
          },
          1e-6);
    }
  }
}

TEST_CASE("an untrained transformer predicts every token alike: its loss is ln V") {
  GptOptions gpt;
  gpt.structure = parse_structure("btt");
  gpt.width = 48;
  gpt.context = 20;
  PixelOptions pixel;
  pixel.structure = parse_structure("monarch");
  pixel.width = 32;
  pixel.context = 20;
  for (const TransformerOptions& options : {transformer_options(gpt), transformer_options(pixel)}) {
    const Transformer<float> model(options);
    const auto sequences = some_sequences(9, 21, static_cast<int>(options.vocabulary));
    const auto inputs = token_block<float>(sequences, 0, 20);
    const auto targets = token_block<float>(sequences, 1, 20);
    const AlignedBuffer<float> values = initial_values<float>(model.parameters(), 7);
    AlignedBuffer<float> workspace(model.workspace_size(9));
    std::vector<double> losses(9);
    model.losses(values.data(), {inputs.view, targets.view}, workspace.data(), losses);
    for (const double loss : losses)
      CHECK(loss == doctest::Approx(std::log(static_cast<double>(options.vocabulary))));
  }
}

TEST_CASE("blocks start at zero, so that features after them are embeddings and positions") {
  GptOptions options;
  options.structure = parse_structure("btt");
  options.width = 12;
  options.context = 5;  // sequences are padded
  options.vocabulary = 7;
  const Transformer<double> model(transformer_options(options));
  const auto sequences = some_sequences(3, 6, 7);
  const auto inputs = token_block<double>(sequences, 0, 5);
  const auto targets = token_block<double>(sequences, 1, 5);
  const AlignedBuffer<double> values = initial_values<double>(model.parameters(), 3);
  AlignedBuffer<double> workspace(model.workspace_size(3));
  const auto tensor = [&](std::size_t index) {
    return values.data() + model.parameters().tensors()[index].offset;
  };
  double squares = 0;
  for (const std::vector<int>& sequence : sequences) {
    for (Index t = 0; t < 5; ++t) {
      for (Index f = 0; f < 12; ++f)
        squares += std::pow(
            tensor(0)[sequence[static_cast<std::size_t>(t)] * 12 + f] + tensor(1)[t * 12 + f], 2);
    }
  }
  const std::vector<double> rms =
      model.block_rms(values.data(), {inputs.view, targets.view}, workspace.data());
  CHECK(rms.size() == 3);
  for (const double each : rms) CHECK(each == doctest::Approx(std::sqrt(squares / (3 * 5 * 12))));
}

namespace {

void check_same_bytes(const ModelStructure& structure) {
  GptOptions options;
  options.structure = structure.structure;
  options.mixture = structure.mixture;
  options.has_weight_norm = true;
  options.width = 16;
  options.depth = 2;
  options.context = 40;
  options.vocabulary = 11;
  const Transformer<float> model(transformer_options(options));
  const auto sequences = some_sequences(21, 41, 11);  // several chunks, the last one smaller
  const auto inputs = token_block<float>(sequences, 0, 40);
  const auto targets = token_block<float>(sequences, 1, 40);
  const auto trained = [&](int threads) {
    TrainingState<float> state(model,
                               initial_values<float>(model.parameters(), 3),
                               {.beta2 = 0.95, .clip = 1},
                               Threads(threads));
    for (int step = 0; step < 5; ++step) state.update({inputs.view, targets.view}, 3e-3);
    const auto all = state.values().span();
    return std::vector<float>(all.begin(), all.end());
  };
  const std::vector<float> expected = trained(1);
  const Isa before = active_isa();
  for (const Isa isa : supported_isas()) {
    use_isa(isa);
    for (const int threads : {1, 2, 3}) {
      const std::vector<float> got = trained(threads);
      CHECK(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0);
    }
  }
  use_isa(before);
}

}  // namespace

TEST_CASE("a transformer trains to the same bytes for any number of threads and instruction set") {
  for (const char* name : {"btt",
                           "btt-moe:experts=4,active=2",
                           "layer-moe:experts=3,active=1",
                           "ffn-moe:experts=4,active=2,of=monarch"}) {
    CAPTURE(name);
    check_same_bytes(parse_model_structure(name));
  }
}

TEST_CASE("no token sees a later one") {
  GptOptions options;
  options.structure = parse_structure("dense");
  options.width = 16;
  options.context = 40;
  options.vocabulary = 11;
  const Transformer<double> model(transformer_options(options));
  const AlignedBuffer<double> values = random_values<double>(model.parameters().size(), 3);
  auto sequences = some_sequences(1, 41, 11);
  const auto logits_at = [&](Index t) {
    const auto inputs = token_block<double>(sequences, 0, 40);
    const auto targets = token_block<double>(sequences, 1, 40);
    AlignedBuffer<double> workspace(model.workspace_size(1));
    const BlockView<double> all =
        model.predict(values.data(), {inputs.view, targets.view}, workspace.data());
    std::vector<double> column;
    for (Index v = 0; v < 11; ++v) column.push_back(all.row(v)[t]);
    return column;
  };
  const std::vector<double> before = logits_at(20), same = logits_at(19);
  sequences[0][20] = (sequences[0][20] + 1) % 11;
  CHECK(logits_at(20) != before);
  CHECK(logits_at(19) == same);
}

TEST_CASE("heads that do not divide the width are refused, and by default they do") {
  GptOptions options;
  options.structure = parse_structure("dense");
  options.width = 48;
  options.heads = 5;
  CHECK_THROWS_AS(transformer_options(options), Error);
  PixelOptions pixel;
  pixel.width = 60;
  CHECK_THROWS_AS(transformer_options(pixel), Error);
  CHECK(default_heads(64) == 1);
  CHECK(default_heads(128) == 2);
  CHECK(default_heads(768) == 12);
  CHECK(default_heads(48) == 1);
  CHECK(default_heads(96) == 2);
}

TEST_CASE("a structure that does not fit names the layer of the transformer") {
  GptOptions options;
  options.structure = parse_structure("g2");
  options.resolve.rounding = Rounding::paper;
  options.width = 128;
  try {
    const Transformer<float> model(transformer_options(options));
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("layer blocks.0.query (128 -> 128)") != std::string::npos);
  }
}
