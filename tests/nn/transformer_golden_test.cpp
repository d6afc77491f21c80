// The transformers against the reference implementation: GPT and the next-pixel model.
#include <doctest/doctest.h>

#include <fstream>
#include <map>

#include "base/error.h"
#include "golden.h"
#include "nn/reference_model.h"
#include "nn/token_block.h"
#include "nn/transformer.h"
#include "structure/notation.h"
#include "train/training_state.h"

using namespace einsearch;
using nlohmann::json;

namespace {

void replace(std::string& name, const std::string& from, const std::string& to) {
  const std::size_t at = name.find(from);
  if (at != std::string::npos) name.replace(at, from.size(), to);
}

using Replacements = std::vector<std::pair<const char*, const char*>>;

const Replacements kGptNames = {{"transformer.wte", "embedding"},
                                {"transformer.wpe", "positions"},
                                {"transformer.ln_f", "norm"},
                                {"transformer.h", "blocks"},
                                {"lm_head", "head"},
                                {"attn.c_attn_q", "query"},
                                {"attn.c_attn_k", "key"},
                                {"attn.c_attn_v", "value"},
                                {"attn.c_proj", "output"},
                                {"attn.ln_q", "query_norm"},
                                {"attn.ln_k", "key_norm"},
                                {"ln_1", "attention_norm"},
                                {"ln_2", "ffn_norm"},
                                {"mlp.c_fc", "up"},
                                {"mlp.c_proj", "down"},
                                {"mlp.experts", "ffn.experts"},
                                {"mlp.moe_gate", "ffn.gate"},
                                {"c_fc", "up"},
                                {"c_proj", "down"},
                                {"btt_layer.", ""},
                                {"moe_gate", "gate"}};

const Replacements kPixelNames = {{"bos_token", "start"},
                                  {"pos_embedding", "positions.weight"},
                                  {"transformer.norm", "norm"},
                                  {"transformer.layers", "blocks"},
                                  {".0.to_q", ".query"},
                                  {".0.to_k", ".key"},
                                  {".0.to_v", ".value"},
                                  {".0.to_out.0", ".output"},
                                  {".0.q_norm", ".query_norm"},
                                  {".0.k_norm", ".key_norm"},
                                  {".0.norm", ".attention_norm"},
                                  {".1.net.0", ".ffn_norm"},
                                  {".1.net.1", ".up"},
                                  {".1.net.4", ".down"},
                                  {"mlp_head", "head"}};

NameMap our_names(const Replacements& replacements, bool is_structured) {
  return [&replacements, is_structured](std::string name) {
    for (const auto& [from, to] : replacements) replace(name, from, to);
    replace(name, "matrix_params.0", is_structured ? "A" : "weight");
    replace(name, "matrix_params.1", "B");
    replace(name, "matrix_params.2", "A_gain");
    replace(name, "matrix_params.3", "B_gain");
    if (name.ends_with(".b")) name += "ias";
    return name;
  };
}

bool has_gains(const json& model) { return model["struct"] == "btt_norm"; }
bool is_einsum(const json& model) { return model["struct"] == "einsum_norm" || has_gains(model); }

bool is_rank_mixture(const json& model) { return model["struct"] == "btt_norm_moe_para"; }
bool is_network_mixture(const json& model) {
  return model["target_config"]["num_ffn_experts"].get<int>() > 1;
}

bool has_factors(const json& model) { return is_einsum(model) || is_rank_mixture(model); }

/// Where the reference computes in double; in its gates the softmax is single precision.
double tolerance_of(const json& model) { return is_rank_mixture(model) ? 1e-6 : 1e-9; }

/// What the reference's transformers have in common.
void set_structure(ModelOptions& options, const json& model, const std::string& theta) {
  options.structure = parse_structure(has_gains(model)   ? "btt"
                                      : is_einsum(model) ? theta
                                                         : "dense");
  options.has_gains = has_gains(model);
  options.resolve = {Rounding::paper, OrderRule::a_first};
  options.has_weight_norm = is_einsum(model);
}

GptOptions gpt_options(const json& model) {
  const json &target = model["target_config"], &base = model["base_config"];
  GptOptions options;
  set_structure(options, model, model["cola_kwargs"].value("expr", ""));
  options.width = target["d_model"];
  options.depth = target["n_layer"];
  options.vocabulary = target["vocab_size"];
  options.context = target["block_size"];
  options.heads = options.width / target["d_head"].get<Index>();
  options.base_width = base["d_model"];
  if (is_rank_mixture(model)) {
    options.structure = parse_structure("btt");
    options.mixture = MixtureOptions{.kind = MixtureKind::ranks,
                                     .experts = model["cola_kwargs"]["num_experts"],
                                     .active = model["cola_kwargs"]["num_active_experts"]};
  } else if (is_network_mixture(model)) {
    options.mixture = MixtureOptions{.kind = MixtureKind::networks,
                                     .experts = target["num_ffn_experts"],
                                     .active = target["num_active_ffn_experts"]};
  }
  return options;
}

/// Logits (vocabulary, positions of all sequences) equal rows of `expected`, one per position.
void check_logits(BlockView<double> logits,
                  const std::vector<double>& expected,
                  Index positions,
                  Index padded_positions,
                  double tolerance) {
  const Index vocabulary = logits.features;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Index v = static_cast<Index>(i) % vocabulary, row = static_cast<Index>(i) / vocabulary;
    const Index n = row / positions * padded_positions + row % positions;
    CHECK(logits.row(v)[n] == doctest::Approx(expected[i]).epsilon(tolerance));
  }
}

}  // namespace

TEST_CASE(
    "golden: GPT reproduces logits, gradients and training traces to 1e-9, with mixtures of "
    "experts "
    "to 1e-6") {
  const auto path = find_golden("gpt_exact.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);
  for (const json& run : golden["runs"]) {
    CAPTURE(run["tag"].get<std::string>());
    const double tolerance = tolerance_of(run);
    const GptOptions options = gpt_options(run);
    const Transformer<double> model(transformer_options(options));
    const ParameterLayout& layout = model.parameters();
    const NameMap names = our_names(kGptNames, has_factors(run));
    for (const auto& [name, multiplier] : run["lr_mult"].items()) {
      CHECK(find_tensor(layout, names(name)).lr_multiplier ==
            doctest::Approx(multiplier.get<double>()).epsilon(1e-12));
    }
    TrainingState<double> state(
        model, load_values(layout, run["init"], names), {.beta2 = 0.95, .clip = 1}, Threads(1));
    for (std::size_t step = 0; step < run["trace"].size(); ++step) {
      CAPTURE(step);
      const auto tokens = run["tokens"][step].get<Sequences>();
      const auto inputs = token_block<double>(tokens, 0, options.context);
      const auto targets = token_block<double>(tokens, 1, options.context);
      const ExampleBlock<double> batch{inputs.view, targets.view};
      if (step == 0) {
        AlignedBuffer<double> effective(layout.size()),
            workspace(model.workspace_size(batch.inputs.samples));
        normalise_weights(layout, state.values().data(), effective.data());
        check_logits(model.predict(effective.data(), batch, workspace.data()),
                     flatten(run["logits_step0"]),
                     options.context,
                     model.padded_context(),
                     tolerance);
        state.compute_gradient(batch);
        check_values(
            layout, state.gradient(), load_values(layout, run["grad_step0"], names), tolerance);
      }
      const json& trace = run["trace"][step];
      if (is_rank_mixture(run)) {
        AlignedBuffer<double> effective(layout.size()),
            workspace(model.workspace_size(batch.inputs.samples));
        normalise_weights(layout, state.values().data(), effective.data());
        CHECK(model.auxiliary_loss(effective.data(), batch, workspace.data()) ==
              doctest::Approx(trace["aux"].get<double>()).epsilon(tolerance));
      }
      const UpdateResult result = state.update(batch, 3e-3 * trace["lr_mult"].get<double>());
      CHECK(result.loss == doctest::Approx(trace["loss"].get<double>()).epsilon(tolerance));
      CHECK(result.gradient_norm ==
            doctest::Approx(trace["grad_norm"].get<double>()).epsilon(tolerance));
    }
    check_values(layout, state.values(), load_values(layout, run["final"], names), tolerance);
  }
}

TEST_CASE("golden: GPT has the reference's shapes, initialisation, multipliers and FLOPs") {
  const auto path = find_golden("gpt_model.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);
  for (const json& expected : golden["models"]) {
    if (expected.contains("error")) continue;  // where the reference fails
    CAPTURE(expected["run"].get<std::string>());
    CAPTURE(expected["d_model"].get<Index>());
    const Transformer<float> model(transformer_options(gpt_options(expected)));
    CHECK(model.parameters().size() == expected["total_params"].get<Index>());
    CHECK(model.flops_per_example() == 2 * expected["flops_per_sequence"].get<double>());
    CHECK(model.parameters().tensors().size() == expected["params"].size());
    const NameMap names = our_names(kGptNames, has_factors(expected));
    for (const json& parameter : expected["params"]) {
      const ParameterInfo& tensor = find_tensor(model.parameters(), names(parameter["name"]));
      check_tensor(tensor, parameter);
      CHECK(tensor.init_std ==
            doctest::Approx(parameter["init_std_formula"].get<double>()).epsilon(1e-12));
    }
  }
}

TEST_CASE("golden: the next-pixel transformer reproduces predictions and gradients to 1e-9") {
  const auto path = find_golden("ar_exact.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);
  for (const json& run : golden["runs"]) {
    CAPTURE(run["tag"].get<std::string>());
    const json& params = run["params"];
    PixelOptions options;
    set_structure(options, run, run["theta"]);
    options.width = static_cast<Index>(params["transformer.norm.weight"].size());
    options.heads =
        options.width / static_cast<Index>(params["transformer.layers.0.0.q_norm.weight"].size());
    options.vocabulary = static_cast<Index>(params["mlp_head.bias"].size());
    options.depth = 0;
    while (
        params.contains("transformer.layers." + std::to_string(options.depth) + ".0.norm.weight"))
      ++options.depth;
    // Targets are all images' tokens in the order (image, row, column, channel).
    const std::size_t images = run["images"].size();
    const auto flat = run["targets"].get<std::vector<int>>();
    const std::size_t length = flat.size() / images;
    options.context = static_cast<Index>(length);
    Sequences tokens;
    for (std::size_t i = 0; i < images; ++i)
      tokens.emplace_back(flat.begin() + static_cast<std::ptrdiff_t>(i * length),
                          flat.begin() + static_cast<std::ptrdiff_t>((i + 1) * length));

    const Transformer<double> model(transformer_options(options));
    const ParameterLayout& layout = model.parameters();
    const NameMap names = our_names(kPixelNames, is_einsum(run));
    for (const auto& [name, multiplier] : run["lr_mult"].items()) {
      const ParameterInfo& tensor = find_tensor(layout, names(name));
      CAPTURE(name);
      CHECK(tensor.lr_multiplier == doctest::Approx(multiplier.get<double>()).epsilon(1e-12));
      CHECK((tensor.init == Init::zeros) == run["zero_init"][name].get<bool>());
    }
    const auto block = token_block<double>(tokens, 0, options.context);
    const ExampleBlock<double> batch{block.view, block.view};
    TrainingState<double> state(model, load_values(layout, params, names), {}, Threads(1));
    CHECK(state.compute_gradient(batch).loss ==
          doctest::Approx(run["loss"].get<double>()).epsilon(1e-9));
    check_values(layout, state.gradient(), load_values(layout, run["grads"], names), 1e-9);

    AlignedBuffer<double> effective(layout.size()),
        workspace(model.workspace_size(batch.inputs.samples));
    normalise_weights(layout, state.values().data(), effective.data());
    std::vector<double> expected;  // the reference also predicts what would come after the image
    for (const json& image : run["preds"]) {
      const std::vector<double> all = flatten(image);
      expected.insert(expected.end(), all.begin(), all.end() - options.vocabulary);
    }
    check_logits(model.predict(effective.data(), batch, workspace.data()),
                 expected,
                 options.context,
                 model.padded_context(),
                 1e-9);
  }
}

TEST_CASE(
    "golden: the next-pixel transformer has the reference's shapes, initialisation, multipliers "
    "and FLOPs") {
  const auto path = find_golden("c5m_model.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);
  for (const json& expected : golden["models"]) {
    CAPTURE(expected["name_in_c5m_sh"].get<std::string>());
    CAPTURE(expected["width"].get<Index>());
    PixelOptions options;
    set_structure(options, expected, expected["theta"]);
    options.width = expected["width"];
    options.positions = 3073;  // the reference's table has rows that nothing reads
    if (expected.contains("error")) {
      CHECK_THROWS_AS(Transformer<float>{transformer_options(options)}, Error);
      continue;
    }
    const Transformer<float> model(transformer_options(options));
    CHECK(model.parameters().size() == expected["total_params"].get<Index>());
    CHECK(model.flops_per_example() == 2 * expected["flops_per_image"].get<double>());
    CHECK(model.parameters().tensors().size() == expected["params"].size());
    const NameMap names = our_names(kPixelNames, is_einsum(expected));
    for (const json& parameter : expected["params"]) {
      const ParameterInfo& tensor = find_tensor(model.parameters(), names(parameter["name"]));
      check_tensor(tensor, parameter);
      const double measured = parameter["emp_std"];
      if (tensor.init == Init::normal && tensor.size > 1000)
        CHECK(tensor.init_std == doctest::Approx(measured).epsilon(0.1));
    }
  }
}

TEST_CASE("golden: parameters and FLOPs of every transformer in the summary") {
  const auto path = find_golden("model_summary.csv"), pixel_path = find_golden("c5m_model.json");
  if (!path || !pixel_path) return;
  std::map<std::string, std::string> pixel_thetas;  // names mean other structures there
  std::ifstream file(*pixel_path);
  const json pixel_models = json::parse(file);
  for (const json& model : pixel_models["models"])
    pixel_thetas[model["name_in_c5m_sh"]] = model["theta"];
  for (const CsvRecord& row : read_csv_records(*path)) {
    const std::string name = row.at("name");
    const bool is_gpt = row.at("file") == "gpt_model", is_pixel = row.at("file") == "c5m_model";
    if ((!is_gpt && !is_pixel) || name == "low_rank_moe8") continue;
    CAPTURE(name);
    CAPTURE(row.at("width"));
    const std::string prefix = "einsum_norm_";
    std::string structure = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
    if (is_pixel && name != "dense") {
      if (!pixel_thetas.contains(name)) continue;
      structure = pixel_thetas[name];
    }
    const std::map<std::string, std::string> mixtures = {
        {"btt_moe8", "btt-moe"}, {"std_moe8", "ffn-moe"}, {"dense_moe8", "layer-moe"}};
    if (mixtures.contains(name)) structure = mixtures.at(name) + ":experts=8,active=2";
    if (name == "btt_norm") structure = "btt";
    GptOptions gpt;
    gpt.has_weight_norm = gpt.has_gains = name == "btt_norm";
    const ModelStructure parsed = parse_model_structure(structure);
    gpt.structure = parsed.structure;
    gpt.mixture = parsed.mixture;
    gpt.resolve = {Rounding::paper, OrderRule::a_first};
    gpt.width = std::stol(row.at("width"));
    PixelOptions pixel;
    static_cast<ModelOptions&>(pixel) = gpt;
    pixel.positions = 3073;
    if (is_gpt) gpt.depth = std::stol(row.at("n_layer"));
    const auto make = [&] {
      return Transformer<float>(is_gpt ? transformer_options(gpt) : transformer_options(pixel));
    };
    if (!row.at("error").empty()) {
      CHECK_THROWS_AS(make(), Error);
      continue;
    }
    const Transformer<float> model = make();
    const double tokens = row.at("flops_unit") == "token" ? 128 : 1;
    CHECK(model.parameters().size() == std::stol(row.at("total_params")));
    CHECK(model.flops_per_example() == 2 * tokens * std::stod(row.at("flops")));
  }
}
