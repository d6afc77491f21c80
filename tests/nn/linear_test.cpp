#include "nn/linear.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <vector>

#include "compute/random_block.h"
#include "golden.h"
#include "gradients.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

/// One layer with all its memory; loss = sum(y^2) / 2, so dy = y.
struct LayerRun {
  LayerRun(const LayerShape& shape, const LinearOptions& options, Index samples)
      : layer(layout, "layer", shape, options),
        values(random_values<double>(layout.size(), 1)),
        effective(layout.size()),
        gradient(layout.size()),
        x(shape.d_in, samples, 2),
        y(shape.d_out, samples, 3),
        dx(shape.d_in, samples, 4),
        saved(layer.saved_features(), samples, 5),
        scratch(layer.scratch_features(), samples, 6) {}

  double loss() {
    normalise_weights(layout, values.data(), effective.data());
    layer.forward<double>(effective.data(), x.view, y.view, saved.view, scratch.view);
    double sum = 0;
    for (Index f = 0; f < y.view.features; ++f) {
      for (Index n = 0; n < y.view.samples; ++n) sum += 0.5 * y.view.row(f)[n] * y.view.row(f)[n];
    }
    return sum;
  }

  void backward() {
    loss();
    for (Index f = 0; f < y.view.features; ++f) {  // gradients are zero in the padding lanes
      std::fill(y.view.row(f) + y.view.samples, y.view.row(f) + y.view.padded(), 0.0);
    }
    std::fill_n(gradient.data(), gradient.size(), 0.0);
    layer.backward<double>(
        effective.data(), x.view, saved.view, y.view, dx.view, scratch.view, gradient.data());
    normalise_weights_backward(layout, values.data(), gradient.data());
  }

  std::span<double> tensor(AlignedBuffer<double>& buffer, const std::string& name) {
    for (const ParameterInfo& info : layout.tensors()) {
      if (info.name == "layer." + name) {
        return buffer.span().subspan(static_cast<std::size_t>(info.offset),
                                     static_cast<std::size_t>(info.size));
      }
    }
    FAIL("no tensor " << name);
    return {};
  }

  ParameterLayout layout;
  Linear layer;
  AlignedBuffer<double> values, effective, gradient;
  RandomBlock<double> x, y, dx, saved, scratch;
};

}  // namespace

TEST_CASE(
    "backward equals central differences for every family, both orders, padding and weight "
    "normalisation") {
  struct Case {
    const char* structure;
    Index d_in, d_out;
    Rounding rounding;
  };
  const std::vector<Case> cases = {
      {"dense", 7, 5, Rounding::exact},
      {"low-rank:1/2", 7, 11, Rounding::exact},
      {"kronecker", 6, 15, Rounding::exact},
      {"tt:1/2", 6, 15, Rounding::exact},
      {"monarch", 15, 6, Rounding::exact},
      {"btt:ranks=3", 10, 14, Rounding::exact},
      {"(0.5|0.25|0.25|0.25|0.5|0.25|0.25)", 30, 16, Rounding::exact},
      {"monarch", 24, 35, Rounding::paper},  // input extended, output cut
      {"monarch", 18, 37, Rounding::paper},  // input cut, output extended
  };
  for (const Case& c : cases) {
    for (const OrderRule order : {OrderRule::a_first, OrderRule::b_first}) {
      for (const bool has_norm : {false, true}) {
        CAPTURE(c.structure);
        CAPTURE(to_string(order));
        CAPTURE(has_norm);
        const LayerShape shape =
            resolve(parse_structure(c.structure), c.d_in, c.d_out, {c.rounding, order});
        const bool is_normalised = has_norm && !shape.is_dense;
        LayerRun run(shape, {.has_weight_norm = is_normalised, .has_gain = is_normalised}, 3);
        for (const ParameterInfo& tensor : run.layout.tensors()) {
          if (tensor.name.ends_with("gain")) run.values.data()[tensor.offset] += 2;
        }
        run.backward();
        const auto loss = [&] { return run.loss(); };
        check_gradient(run.values.span(), run.gradient.span(), loss);
        for (Index f = 0; f < c.d_in; ++f)
          check_gradient({run.x.view.row(f), 3}, {run.dx.view.row(f), 3}, loss);
      }
    }
  }
}

TEST_CASE("golden: layers reproduce the reference's outputs and gradients to 1e-12") {
  const auto path = find_golden("forward.json");
  if (!path) return;
  std::ifstream file(*path);
  const nlohmann::json golden = nlohmann::json::parse(file);
  REQUIRE(!golden["cases"].empty());
  for (const auto& c : golden["cases"]) {
    CAPTURE(c["name"].get<std::string>());
    const Index d_in = c["d_in"], d_out = c["d_out"];
    CAPTURE(d_in);
    CAPTURE(d_out);
    const bool is_normalised = c["normalize"];
    CAPTURE(is_normalised);
    const auto xs = c["x"].get<std::vector<std::vector<double>>>();
    const auto samples = static_cast<Index>(xs.size());
    const LayerShape shape = resolve(parse_structure(c["theta"].get<std::string>()),
                                     d_in,
                                     d_out,
                                     {Rounding::paper, OrderRule::a_first});
    LayerRun run(shape, {.has_weight_norm = is_normalised}, samples);
    const Sizes& n = shape.sizes;

    // The reference stores both factors of its block tensor-train path in another order of axes.
    const bool is_btt = c["path"] == "btt";
    const auto reference_a = [&](Index i) {
      if (!is_btt) return i;
      const Index a = i % n.n_alpha, g = i / n.n_alpha % n.n_gamma, fr = i / n.n_alpha / n.n_gamma;
      return (g * n.n_alpha + a) * n.n_phi * n.n_rho + fr;
    };
    const auto reference_b = [&](Index i) {
      if (!is_btt) return i;
      const Index g = i % n.n_gamma, r = i / n.n_gamma % n.n_rho,
                  e = i / n.n_gamma / n.n_rho % n.n_epsilon;
      const Index f = i / n.n_gamma / n.n_rho / n.n_epsilon;
      return ((f * n.n_gamma + g) * n.n_rho + r) * n.n_epsilon + e;
    };
    const auto load = [&](const char* key, std::span<double> to, auto reference_index) {
      const auto from = c[key].get<std::vector<double>>();
      REQUIRE(from.size() == to.size());
      for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = from[static_cast<std::size_t>(reference_index(static_cast<Index>(i)))];
      }
    };
    const auto same = [](Index i) { return i; };
    load("A_flat", run.tensor(run.values, "A"), reference_a);
    load("B_flat", run.tensor(run.values, "B"), reference_b);
    load("bias", run.tensor(run.values, "bias"), same);
    for (Index s = 0; s < samples; ++s) {
      for (Index f = 0; f < d_in; ++f)
        run.x.view.row(f)[s] = xs[static_cast<std::size_t>(s)][static_cast<std::size_t>(f)];
    }
    run.backward();
    CHECK(run.loss() == doctest::Approx(c["loss"].get<double>()).epsilon(1e-12));

    const auto compare = [&](const char* key, std::span<const double> got, auto reference_index) {
      CAPTURE(key);
      const auto expected = c[key].get<std::vector<double>>();
      for (std::size_t i = 0; i < got.size(); ++i) {
        const double want =
            expected[static_cast<std::size_t>(reference_index(static_cast<Index>(i)))];
        CHECK(std::abs(got[i] - want) <= 1e-12 * std::max(1.0, std::abs(want)));
      }
    };
    compare("dA_flat", run.tensor(run.gradient, "A"), reference_a);
    compare("dB_flat", run.tensor(run.gradient, "B"), reference_b);
    compare("dbias", run.tensor(run.gradient, "bias"), same);
    const auto compare_block = [&](const char* key, BlockView<double> got) {
      CAPTURE(key);
      const auto expected = c[key].get<std::vector<std::vector<double>>>();
      for (Index s = 0; s < samples; ++s) {
        for (Index f = 0; f < got.features; ++f) {
          const double want = expected[static_cast<std::size_t>(s)][static_cast<std::size_t>(f)];
          CHECK(std::abs(got.row(f)[s] - want) <= 1e-12 * std::max(1.0, std::abs(want)));
        }
      }
    };
    compare_block("y", run.y.view);
    compare_block("dx", run.dx.view);
  }
}

TEST_CASE("a layer that goes part by part gives the bits of whole products, also in place") {
  struct Case {
    const char* structure;
    Index d;
    bool recomputes;
  };
  for (const auto& [structure, d, recomputes] : {Case{"(0.25|0|0.75|0|0.25|0.75|0)", 256, true},
                                                 Case{"(0.5|0|0.5|0|0.5|0.5|0.5)", 324, false}}) {
    CAPTURE(structure);
    const Index samples = 37;
    const LayerShape shape = resolve(parse_structure(structure), d, d);
    const TwoFactorContraction steps = two_factor_contraction(shape.sizes, shape.order);
    REQUIRE(shape.order == Order::a_first);
    REQUIRE(steps.parts() > 1);
    REQUIRE(steps.recomputes_z() == recomputes);
    ParameterLayout layout;
    const Linear layer(layout, "layer", shape, {});
    const AlignedBuffer<float> values = random_values<float>(layout.size(), 1);
    const float *a = values.data() + layout.tensors()[0].offset,
                *b = values.data() + layout.tensors()[1].offset,
                *bias = values.data() + layout.tensors()[2].offset;
    const RandomBlock<float> x(d, samples, 2), factor(d, samples, 3);
    RandomBlock<float> dy(d, samples, 4);
    for (Index f = 0; f < d; ++f)  // gradients are zero in the padding lanes
      std::fill(dy.view.row(f) + samples, dy.view.row(f) + dy.view.padded(), 0.0f);

    const ProductKernels<float>& kernels = products<float>();
    const Index hidden = steps.first.z_features();
    RandomBlock<float> z(hidden, samples, 0), y(d, samples, 0), slope(d, samples, 0),
        dz(hidden, samples, 0), dx(d, samples, 0);
    AlignedBuffer<float> da(layout.tensors()[0].size), db(layout.tensors()[1].size);
    kernels.forward(steps.first, a, x.view, z.view, {});
    kernels.forward(steps.second, b, z.view, y.view, {.bias = bias, .slope = slope.view.data});
    kernels.backward_weight(steps.second, dy.view, z.view, db.data());
    kernels.backward_input(steps.second, b, dy.view, dz.view, {});
    kernels.backward_weight(steps.first, dz.view, x.view, da.data());
    kernels.backward_input(steps.first, a, dz.view, dx.view, {.factor = factor.view.data});

    PackedWeights<float> packing;
    const Weights<float> packed = packing.pack(layout, values.data(), Threads(1));
    for (const Weights<float>& weights : {Weights<float>(values.data()), packed}) {
      RandomBlock<float> own_y(d, samples, 5), own_slope(d, samples, 5), own_dx(d, samples, 2);
      RandomBlock<float> saved(layer.saved_features(), samples, 6),
          scratch(layer.scratch_features(), samples, 7);
      AlignedBuffer<float> gradient(layout.size());
      layer.forward<float>(weights, x.view, own_y.view, saved.view, scratch.view, own_slope.view);
      layer.backward<float>(weights,
                            own_dx.view,  // equals x
                            saved.view,
                            dy.view,
                            own_dx.view,
                            scratch.view,
                            gradient.data(),
                            factor.view);
      const auto is_same = [&](const RandomBlock<float>& got, const RandomBlock<float>& expected) {
        bool all = true;
        for (Index f = 0; f < d; ++f)
          all = all && std::equal(got.view.row(f), got.view.row(f) + samples, expected.view.row(f));
        return all;
      };
      CHECK(is_same(own_y, y));
      CHECK(is_same(own_slope, slope));
      CHECK(is_same(own_dx, dx));
      CHECK(std::equal(da.data(), da.data() + da.size(), gradient.data()));
      CHECK(std::equal(
          db.data(), db.data() + db.size(), gradient.data() + layout.tensors()[1].offset));
    }
  }
}
