#include "nn/mixture.h"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "compute/mixture_kernels.h"
#include "compute/random_block.h"
#include "golden.h"
#include "gradients.h"
#include "nn/mixture_options.h"
#include "nn/reference_model.h"
#include "structure/notation.h"

using namespace einsearch;
using nlohmann::json;

namespace {

constexpr double kAuxiliaryShare = 0.01;

/// A mixture with all its memory; loss = sum(y^2) / 2 + 0.01 auxiliary loss.
template <typename Scalar>
struct MixtureRunOf {
  MixtureRunOf(ParameterLayout from, Mixture made, Index samples)
      : layout(std::move(from)),
        mixture(std::move(made)),
        values(random_values<Scalar>(layout.size(), 1)),
        effective(layout.size()),
        gradient(layout.size()),
        x(mixture.inputs(), samples, 2),
        y(mixture.outputs(), samples, 3),
        dx(mixture.inputs(), samples, 4),
        token(padded_samples(samples)) {
    mixture.take_rows(counter);
    scratch = counter.take_columns(mixture.scratch_columns());
    workspace = AlignedBuffer<Scalar>(counter.size(samples));
    std::fill_n(workspace.data(), workspace.size(), std::numeric_limits<Scalar>::quiet_NaN());
    rows = counter.of(workspace.data(), samples);
  }

  Weights<Scalar> weights() {
    normalise_weights(layout, values.data(), effective.data());
    if (is_packed) return packed.pack(layout, effective.data(), Threads(1));
    return effective.data();
  }

  void forward() {
    mixture.forward<Scalar>(
        weights(), rows, token.data(), x.view, y.view, rows.at(scratch), {}, Store::overwrite);
  }

  Scalar main_loss() {
    forward();
    Scalar sum = 0;
    for (Index f = 0; f < y.view.features; ++f) {
      for (Index n = 0; n < y.view.samples; ++n)
        if (token.data()[n] >= 0) sum += Scalar{0.5} * y.view.row(f)[n] * y.view.row(f)[n];
    }
    return sum;
  }

  double auxiliary_loss() { return mixture.gate().auxiliary_loss(token.data(), rows); }

  double loss() {
    const double main = main_loss();
    return main + kAuxiliaryShare * auxiliary_loss();
  }

  /// Gradient of main_loss() + auxiliary_scale * auxiliary_loss(); by the input too, unless
  /// has_input_gradient is false.
  void backward(double auxiliary_scale) {
    forward();
    for (Index f = 0; f < y.view.features; ++f) {
      for (Index n = 0; n < y.view.padded(); ++n)
        if (n >= y.view.samples || token.data()[n] < 0) y.view.row(f)[n] = 0;
    }
    std::fill_n(gradient.data(), gradient.size(), Scalar{0});
    mixture.backward<Scalar>(weights(),
                             rows,
                             token.data(),
                             auxiliary_scale,
                             x.view,
                             y.view,
                             has_input_gradient ? dx.view : BlockView<Scalar>{},
                             rows.at(scratch),
                             gradient.data(),
                             {},
                             Store::overwrite);
    normalise_weights_backward(layout, values.data(), gradient.data());
  }

  ParameterLayout layout;
  Mixture mixture;
  bool is_packed = false, has_input_gradient = true;
  AlignedBuffer<Scalar> values, effective, gradient;
  PackedWeights<Scalar> packed;
  RandomBlock<Scalar> x, y, dx;
  AlignedBuffer<Scalar> token;  // all 0: every sample counts
  RowCounter counter;
  ColumnPlace scratch;
  AlignedBuffer<Scalar> workspace;
  Rows<Scalar> rows{};
};

using MixtureRun = MixtureRunOf<double>;

LayerShape shape_of(const char* structure,
                    Index d_in,
                    Index d_out,
                    Rounding rounding = Rounding::exact) {
  return resolve(parse_structure(structure), d_in, d_out, {rounding, OrderRule::cheaper});
}

struct MixtureCase {
  MixtureKind kind;
  const char* structure;
  Index d_in, d_out, experts, active;
  bool has_bias, has_weight_norm;
  Rounding rounding = Rounding::exact;
  Index hidden = 12;  // features between the layers of a network
};

template <typename Scalar = double>
MixtureRunOf<Scalar> make_run(const MixtureCase& c, Index samples) {
  ParameterLayout layout;
  const LinearOptions options{.has_bias = c.has_bias, .has_weight_norm = c.has_weight_norm};
  const GateOptions gate{.experts = c.experts, .active = c.active, .floor = 1e-6};
  const ExpertLayer layer{shape_of(c.structure, c.d_in, c.d_out, c.rounding), options};
  if (c.kind == MixtureKind::networks) {
    const ExpertLayer up{shape_of(c.structure, c.d_in, c.hidden, c.rounding), options};
    const ExpertLayer down{shape_of(c.structure, c.hidden, c.d_out, c.rounding), options};
    Mixture mixture = Mixture::of_networks(layout, "ffn", up, down, gate);
    return {std::move(layout), std::move(mixture), samples};
  }
  Mixture mixture = c.kind == MixtureKind::ranks ? Mixture::of_ranks(layout, "layer", layer, gate)
                                                 : Mixture::of_layers(layout, "layer", layer, gate);
  return {std::move(layout), std::move(mixture), samples};
}

const std::vector<MixtureCase> kCases = {
    {MixtureKind::ranks, "btt", 10, 21, 5, 2, false, true},
    {MixtureKind::ranks, "btt:ranks=3", 15, 6, 3, 3, true, true},
    {MixtureKind::ranks, "(0.5|0.25|0.25|0.25|0.5|0.25|0.25)", 30, 16, 3, 2, true, true},
    {MixtureKind::layers, "dense", 7, 5, 5, 1, true, false},
    {MixtureKind::layers, "dense", 7, 5, 7, 3, false, false},
    {MixtureKind::layers, "low-rank:1/2", 7, 11, 3, 2, true, true},
    {MixtureKind::layers, "kronecker", 6, 15, 2, 1, true, true},
    {MixtureKind::networks, "dense", 7, 5, 5, 2, true, false},
    {MixtureKind::networks, "monarch", 10, 14, 3, 2, false, true},
    // Features that are extended by zeros or dropped, at both ends and between.
    {MixtureKind::ranks, "btt", 14, 15, 3, 2, true, true, Rounding::paper},
    {MixtureKind::layers, "monarch", 17, 15, 3, 2, true, false, Rounding::paper},
    {MixtureKind::layers, "tt:1/4", 15, 10, 3, 1, true, true, Rounding::paper},
    {MixtureKind::networks, "btt", 8, 15, 3, 2, true, false, Rounding::paper, 14},
    {MixtureKind::networks, "btt", 14, 8, 3, 2, true, false, Rounding::paper, 10},
};

/// Layers that experts walk through a few batches at a time, and, the last three, whose z is wide:
/// kept, or computed again for the backward pass.
const std::vector<MixtureCase> kWideCases = {
    {MixtureKind::layers, "btt", 397, 311, 3, 2, true, false, Rounding::paper},
    {MixtureKind::networks, "btt", 401, 260, 3, 2, true, false, Rounding::paper, 517},
    {MixtureKind::ranks, "btt", 256, 512, 3, 2, true, true},
    {MixtureKind::layers, "btt:ranks=4", 1024, 1024, 2, 1, true, false},
    {MixtureKind::ranks, "btt:ranks=8", 256, 1024, 2, 1, false, true},
    {MixtureKind::networks, "btt:ranks=8", 256, 256, 2, 1, true, false, Rounding::exact, 1024},
};

/// The values of a wide case, so small that neither gates nor outputs are saturated.
template <typename Scalar>
void shrink_values(MixtureRunOf<Scalar>& run) {
  for (Index i = 0; i < run.values.size(); ++i) run.values.data()[i] *= static_cast<Scalar>(0.05);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Slope of the loss along `direction`, by central differences in `values`.
double slope_along(std::span<double> values,
                   std::span<const double> direction,
                   const std::function<double()>& loss) {
  constexpr double kStep = 1e-6;
  const std::vector<double> before(values.begin(), values.end());
  const auto loss_after = [&](double step) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = before[i] + step * direction[i];
    return loss();
  };
  const double above = loss_after(kStep), below = loss_after(-kStep);
  std::copy(before.begin(), before.end(), values.begin());
  return (above - below) / (2 * kStep);
}

}  // namespace

TEST_CASE("the gradient of a mixture equals central differences, of gates and gains too") {
  for (const MixtureCase& c : kCases) {
    CAPTURE(static_cast<int>(c.kind));
    CAPTURE(std::string(c.structure));
    MixtureRun run = make_run(c, 19);
    for (const Index n : {3, 11}) run.token.data()[n] = -1;
    for (const ParameterInfo& tensor : run.layout.tensors()) {
      double* values = run.values.data() + tensor.offset;
      if (tensor.name.ends_with("gain")) *values = 1 + 0.2 * *values;
      if (!tensor.name.ends_with("gate.weight")) continue;
      for (Index i = 0; i < tensor.size; ++i) values[i] *= 0.1;  // softmaxes of small curvature
    }
    run.backward(kAuxiliaryShare);
    const auto loss = [&] { return run.loss(); };
    check_gradient(run.values.span(), run.gradient.span(), loss, 1e-6);
    for (Index f = 0; f < c.d_in; ++f)
      check_gradient({run.x.view.row(f), 19}, {run.dx.view.row(f), 19}, loss, 1e-6);
  }
}

TEST_CASE("the gradient of a wide mixture equals central differences along a direction") {
  constexpr Index kSamples = 37;
  for (const MixtureCase& c : kWideCases) {
    CAPTURE(static_cast<int>(c.kind));
    CAPTURE(std::string(c.structure));
    CAPTURE(c.d_in);
    MixtureRun run = make_run(c, kSamples);
    shrink_values(run);
    for (const Index n : {3, 11}) run.token.data()[n] = -1;
    run.backward(kAuxiliaryShare);
    const auto loss = [&] { return run.loss(); };
    AlignedBuffer<double> gradient(run.gradient.size());
    std::copy_n(run.gradient.data(), gradient.size(), gradient.data());
    const AlignedBuffer<double> direction = random_values<double>(run.values.size(), 7);
    const double slope = slope_along(run.values.span(), direction.span(), loss);
    CHECK(dot(gradient.span(), direction.span()) == doctest::Approx(slope).epsilon(1e-5));
    RandomBlock<double> dx(c.d_in, kSamples, 4);
    std::copy_n(run.dx.memory.data(), dx.memory.size(), dx.memory.data());
    for (const Index f : {Index{0}, c.d_in / 2, c.d_in - 1}) {
      const std::span<double> x(run.x.view.row(f), kSamples);
      const std::span<const double> along(direction.data(), kSamples);
      CHECK(dot({dx.view.row(f), kSamples}, along) ==
            doctest::Approx(slope_along(x, along, loss)).epsilon(1e-5));
    }
    run.has_input_gradient = false;
    run.backward(kAuxiliaryShare);
    CHECK(std::equal(gradient.data(), gradient.data() + gradient.size(), run.gradient.data()));
  }
}

TEST_CASE("packed weights do not change a bit of a mixture") {
  for (const MixtureCase& c : kWideCases) {
    CAPTURE(static_cast<int>(c.kind));
    CAPTURE(std::string(c.structure));
    auto plain = make_run<float>(c, 100), packed = make_run<float>(c, 100);
    packed.is_packed = true;
    for (auto* run : {&plain, &packed}) {
      shrink_values(*run);
      run->backward(kAuxiliaryShare);
    }
    const float* gradient = plain.gradient.data();
    CHECK(std::equal(gradient, gradient + plain.gradient.size(), packed.gradient.data()));
    for (Index f = 0; f < c.d_in; ++f)
      CHECK(std::equal(plain.dx.view.row(f), plain.dx.view.row(f) + 100, packed.dx.view.row(f)));
  }
}

TEST_CASE("a mixture whose samples are all masked has no gradient, and one expert gets them all") {
  for (const MixtureKind kind : {MixtureKind::ranks, MixtureKind::layers, MixtureKind::networks}) {
    CAPTURE(static_cast<int>(kind));
    MixtureRun masked = make_run({kind, "btt", 10, 14, 3, 2, true, false}, 19);
    std::fill_n(masked.token.data(), 19, -1.0);
    masked.backward(0);
    for (const double value : masked.gradient.span()) CHECK(value == 0);
    for (Index f = 0; f < 10; ++f) CHECK(masked.dx.view.row(f)[7] == 0);

    MixtureRun one = make_run({kind, "btt", 10, 14, 1, 1, false, false}, 19);
    one.forward();
    const std::vector<ExpertColumns<double>> experts = one.mixture.gate().columns(one.rows);
    CHECK(experts.size() == 1);
    CHECK(experts[0].count == 19);
    for (Index n = 0; n < 19; ++n) CHECK(experts[0].sample[n] == static_cast<double>(n));
  }
}

TEST_CASE("rows of a workspace are an odd number of vectors apart, with a margin of one or two") {
  for (Index samples = 0; samples < 200; ++samples) {
    const Index stride = workspace_stride(samples);
    CHECK(stride % (2 * kSampleLanes) == kSampleLanes);
    CHECK(stride >= padded_samples(samples) + kSampleLanes);
    CHECK(stride < samples + kMostMargin);
  }
}

TEST_CASE("a mixture is the weighted sum of the experts with the largest logits") {
  constexpr Index kSamples = 37;
  std::vector<MixtureCase> cases = kCases;
  cases.insert(cases.end(), kWideCases.begin(), kWideCases.end());
  for (const MixtureCase& c : cases) {
    if (c.kind != MixtureKind::layers) continue;
    CAPTURE(std::string(c.structure));
    MixtureRun run = make_run(c, kSamples);
    if (c.d_in > 100) shrink_values(run);
    run.forward();
    // Every expert for every sample, by plain layers of the same layout.
    ParameterLayout layout;
    std::vector<Linear> experts;
    for (Index e = 0; e < c.experts; ++e) {
      experts.emplace_back(layout,
                           "e",
                           shape_of(c.structure, c.d_in, c.d_out, c.rounding),
                           LinearOptions{.has_bias = c.has_bias});
    }
    RandomBlock<double> saved(experts[0].saved_features(), kSamples, 1),
        scratch(experts[0].scratch_features(), kSamples, 1);
    std::vector<RandomBlock<double>> outputs;
    for (const Linear& expert : experts) {
      outputs.emplace_back(c.d_out, kSamples, 1);
      expert.forward<double>(
          run.effective.data(), run.x.view, outputs.back().view, saved.view, scratch.view);
    }
    const double* gate = run.effective.data() + layout.size();  // the gate comes last
    for (Index n = 0; n < kSamples; ++n) {
      std::vector<std::pair<double, Index>> order;
      for (Index e = 0; e < c.experts; ++e) {
        double logit = 0;
        for (Index f = 0; f < c.d_in; ++f) logit += gate[e * c.d_in + f] * run.x.view.row(f)[n];
        order.emplace_back(-logit, e);
      }
      std::sort(order.begin(), order.end());
      double total = 0;
      for (Index k = 0; k < c.active; ++k)
        total += std::exp(-order[static_cast<std::size_t>(k)].first);
      for (Index f = 0; f < c.d_out; ++f) {
        double expected = 0;
        for (Index k = 0; k < c.active; ++k) {
          const auto& [logit, e] = order[static_cast<std::size_t>(k)];
          expected += (std::exp(-logit) / total + 1e-6) *
                      outputs[static_cast<std::size_t>(e)].view.row(f)[n];
        }
        CHECK(run.y.view.row(f)[n] == doctest::Approx(expected).epsilon(1e-9));
      }
    }
  }
}

TEST_CASE("equal logits choose the first experts, and logits that are not numbers still choose") {
  RandomBlock<float> logits(5, 20, 1), chosen(3, 20, 2), shares(3, 20, 3), log_sum(1, 20, 4);
  for (Index e = 0; e < 5; ++e) std::fill_n(logits.view.row(e), 32, 0.0f);
  for (Index e = 0; e < 5; ++e) logits.view.row(e)[1] = std::nanf("");
  logits.view.row(4)[2] = logits.view.row(1)[3] = 2.0f;
  mixture_kernels<float>().choose(logits.view, chosen.view, shares.view, log_sum.view.data);
  const auto experts_of = [&](Index n) {
    std::vector<float> experts;
    for (Index k = 0; k < 3; ++k) experts.push_back(chosen.view.row(k)[n]);
    return experts;
  };
  CHECK(experts_of(0) == std::vector<float>{0, 1, 2});
  CHECK(experts_of(1) == std::vector<float>{0, 1, 2});
  CHECK(experts_of(2) == std::vector<float>{4, 0, 1});
  CHECK(experts_of(3) == std::vector<float>{1, 0, 2});
  CHECK(shares.view.row(0)[0] == doctest::Approx(1.0 / 3));
  CHECK(log_sum.view.data[0] == doctest::Approx(std::log(5.0)));
}

TEST_CASE("a gate of zeros has the auxiliary loss 1 + 0.1 (ln E)^2") {
  MixtureRun run = make_run({MixtureKind::layers, "dense", 7, 5, 8, 2, false, false}, 50);
  std::fill_n(run.values.data(), run.values.size(), 0.0);
  run.forward();
  CHECK(run.auxiliary_loss() == doctest::Approx(1 + 0.1 * std::log(8.0) * std::log(8.0)));
}

TEST_CASE("golden: mixtures reproduce the reference's outputs and gradients to 1e-6") {
  const auto path = find_golden("moe.json");
  if (!path) return;
  std::ifstream file(*path);
  const json golden = json::parse(file);
  for (const json& c : golden["cases"]) {
    const std::string kind = c["kind"];
    CAPTURE(kind);
    if (kind != "btt_moe" && kind != "std_moe") {
      MESSAGE("skipped: " << kind);
      continue;
    }
    const GateOptions gate{
        .experts = c["num_experts"], .active = c["k"], .floor = kind == "btt_moe" ? 1e-6 : 0};
    const LinearOptions options{.has_bias = false};
    const ResolveOptions rounding{Rounding::paper, OrderRule::a_first};
    const auto samples = static_cast<Index>(c["x"].size());
    ParameterLayout layout;
    const auto make = [&] {
      if (kind == "std_moe") {
        const Index d = c["d"], hidden = c["hidden"];
        const Structure dense = parse_structure("dense");
        return Mixture::of_networks(layout,
                                    "layer",
                                    {resolve(dense, d, hidden, rounding), options},
                                    {resolve(dense, hidden, d, rounding), options},
                                    gate);
      }
      const LayerShape shape =
          rank_expert_shape(parse_structure("btt"), c["d_in"], c["d_out"], rounding);
      return Mixture::of_ranks(layout, "layer", {shape, options}, gate);
    };
    Mixture mixture = make();
    MixtureRun run(std::move(layout), std::move(mixture), samples);
    const NameMap our_name = [&](std::string name) -> std::string {
      if (name == "A" || name == "B") return "layer." + name;
      if (name == "gamma0") return "layer.A_gain";
      if (name == "gamma1") return "layer.B_gain";
      if (name == "gate_weight" || name == "moe_gate.weight") return "layer.gate.weight";
      const std::size_t up = name.find("c_fc"), down = name.find("c_proj");
      if (up != std::string::npos) name.replace(up, 4, "up");
      if (down != std::string::npos) name.replace(down, 6, "down");
      return "layer." + name;
    };
    run.values = load_values(run.layout, c["params"], our_name);
    for (Index n = 0; n < samples; ++n) {
      for (Index f = 0; f < run.x.view.features; ++f)
        run.x.view.row(f)[n] =
            c["x"][static_cast<std::size_t>(n)][static_cast<std::size_t>(f)].get<double>();
    }
    const auto check_block = [&](const json& expected, BlockView<double> got) {
      double scale = 1;
      for (const double value : flatten(expected)) scale = std::max(scale, std::abs(value));
      for (Index n = 0; n < samples; ++n) {
        for (Index f = 0; f < got.features; ++f) {
          const double want =
              expected[static_cast<std::size_t>(n)][static_cast<std::size_t>(f)].get<double>();
          CHECK(std::abs(got.row(f)[n] - want) <= 1e-6 * scale);
        }
      }
    };
    CHECK(run.main_loss() ==
          doctest::Approx(c["losses"]["main"]["value"].get<double>()).epsilon(1e-6));
    CHECK(run.auxiliary_loss() == doctest::Approx(c["aux_loss"].get<double>()).epsilon(1e-6));
    check_block(c["y"], run.y.view);
    for (const auto& [name, scale] : {std::pair{"main", 0.0}, std::pair{"total", 0.01}}) {
      CAPTURE(name);
      const json& expected = c["losses"][name];
      run.backward(scale);
      check_values(
          run.layout, run.gradient, load_values(run.layout, expected["grads"], our_name), 1e-6);
      check_block(expected["dx"], run.dx.view);
    }
  }
}

TEST_CASE("names of mixtures give themselves back, and bad ones say why") {
  for (const char* name : {"btt-moe:experts=8,active=2",
                           "btt-moe:experts=4,active=1,of=low-rank:0.5",
                           "layer-moe:experts=16,active=3",
                           "layer-moe:experts=8,active=2,of=btt:ranks=3",
                           "ffn-moe:experts=8,active=2",
                           "ffn-moe:experts=8,active=2,of=(0.5|0|0.5|0.25|0.5|0.25|0)",
                           "monarch"}) {
    CHECK(parse_model_structure(name).name() == name);
  }
  CHECK(parse_model_structure("btt-moe").name() == "btt-moe:experts=8,active=2");
  CHECK(parse_model_structure("layer-moe:of=dense").name() == "layer-moe:experts=8,active=2");
  for (const char* bad : {"btt-moe:experts=1,active=2",
                          "btt-moe:experts=0",
                          "btt-moe:experts=2.5",
                          "btt-moe:of=dense",
                          "layer-moe:expert=3",
                          "ffn-moe:experts",
                          "ffn-moe:of=nothing",
                          "moe"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_model_structure(bad), Error);
  }
}

TEST_CASE("with the paper's rounding an expert of BTT has the paper's two factors") {
  const ResolveOptions paper{Rounding::paper, OrderRule::a_first};
  const auto sizes = [&](Index d_in, Index d_out) {
    return rank_expert_shape(parse_structure("btt"), d_in, d_out, paper).sizes;
  };
  CHECK(sizes(768, 12) == Sizes{16, 1, 48, 1, 6, 2, 1});
  CHECK(sizes(512, 1024) == Sizes{16, 1, 32, 1, 32, 32, 1});
  CHECK(sizes(7, 30) == Sizes{1, 1, 7, 1, 10, 3, 1});
}
