#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "gradients.h"
#include "nn/model_spec.h"
#include "nn/token_block.h"
#include "nn/transformer.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

GptOptions small_gpt(const std::string& structure, const std::string& assigned = "") {
  GptOptions options;
  options.vocabulary = 7;
  options.context = 5;
  options.width = 16;
  options.depth = 2;
  options.heads = 4;
  options.structure = parse_structure(structure);
  if (!assigned.empty()) options.assigned = parse_assignments(assigned);
  return options;
}

/// Names and shapes of all parameters.
std::string layout_text(const GptOptions& options) {
  const auto model = make_model<float>(options);
  std::string text;
  for (const ParameterInfo& tensor : model->parameters().tensors()) {
    text += tensor.name;
    for (const Index extent : tensor.shape) text += fmt::format(" {}", extent);
    text += fmt::format(" {} {}\n", tensor.init_std, tensor.lr_multiplier);
  }
  return text;
}

bool has_tensor(const GptOptions& options, const std::string& name) {
  return layout_text(options).find(name + " ") != std::string::npos;
}

}  // namespace

TEST_CASE("an assignment gives a role its structure and leaves the others alone") {
  const GptOptions mixed = small_gpt("monarch", "qk=dense,up=btt:ranks=2,head=low-rank:0.5");
  CHECK(has_tensor(mixed, "blocks.1.query.weight"));
  CHECK(has_tensor(mixed, "blocks.1.key.weight"));
  CHECK(has_tensor(mixed, "blocks.1.value.A"));
  CHECK(has_tensor(mixed, "head.B"));
  CHECK(has_tensor(mixed, "blocks.0.up.A 8 1 2 4 4"));
  CHECK(has_tensor(mixed, "blocks.0.down.A 4 1 1 8 8"));
  CHECK(structure_text(mixed) == "monarch+q=dense+k=dense+up=btt:ranks=2+head=low-rank:0.5");
  CHECK(structured_layers(mixed).size() == 3);  // value and output alike, up, down
}

TEST_CASE("a structure assigned to every role is that structure, whatever the others would take") {
  CHECK(layout_text(small_gpt("dense", "attention=btt,ffn=btt")) == layout_text(small_gpt("btt")));
  CHECK(canonical_text(ModelSpec(small_gpt("dense", "attention=btt,ffn=btt"))) !=
        canonical_text(ModelSpec(small_gpt("btt"))));
}

TEST_CASE("a comma inside a structure does not end an assignment") {
  const auto assigned = parse_assignments("o=1/2,0,1/2,0,1/2,1/2,0,up=(0.5|0|0.5|0|0.5|0.5|0)");
  REQUIRE(assigned.size() == 2);
  CHECK(assigned[0].structure.theta == parse_structure("monarch").theta);
  CHECK(assigned[1].role == LayerRole::up);
  for (const char* bad : {"", "q", "q=", "=btt", "x=btt", "q=btt,qk=dense", "q=btt,,k=btt"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_assignments(bad), Error);
  }
}

TEST_CASE(
    "aligned with heads, phi and epsilon are heads and head size, gamma and alpha at the end") {
  for (const Index heads : {1, 2, 3, 6, 30}) {
    const LayerShape query =
        resolve_for_heads(parse_structure("btt:rank=1/4"), 30, 30, {heads, HeadSide::outputs});
    CHECK(query.sizes.n_phi == heads);
    CHECK(query.sizes.n_epsilon == 30 / heads);
    CHECK(query.sizes.pad_in() == 30);
    const LayerShape output =
        resolve_for_heads(parse_structure("btt:rank=1/4"), 30, 30, {heads, HeadSide::inputs});
    CHECK(output.sizes.n_gamma == heads);
    CHECK(output.sizes.n_alpha == 30 / heads);
    CHECK(output.sizes.pad_out() == 30);
    CHECK(output.params == query.params);  // one is the other's transpose
  }
  CHECK_THROWS_AS(resolve_for_heads(parse_structure("kronecker"), 30, 30, {3, HeadSide::outputs}),
                  Error);
}

TEST_CASE("where a structure's axes are the heads already, aligning changes nothing but the name") {
  GptOptions options = small_gpt("monarch");
  const std::string before = layout_text(options);
  options.aligns_heads = true;
  CHECK(layout_text(options) == before);
  CHECK(structure_text(options) == "monarch+heads");
  options.heads = 2;
  CHECK(layout_text(options) != before);
  CHECK(structure_text([] {
          GptOptions dense = small_gpt("dense");
          dense.aligns_heads = true;
          return dense;
        }()) == "dense");
}

TEST_CASE("each block of factor B of aligned queries makes the features of one head") {
  ParameterLayout layout;
  const Linear linear(layout,
                      "query",
                      resolve_for_heads(parse_structure("btt"), 12, 12, {3, HeadSide::outputs}),
                      {.has_bias = false});
  AlignedBuffer<double> values = random_values<double>(layout.size(), 1);
  const RandomBlock<double> x(12, 2, 2);
  RandomBlock<double> y(12, 2, 0), changed(12, 2, 0), saved(linear.saved_features(), 2, 0),
      scratch(linear.scratch_features() + 1, 2, 0);
  const auto apply = [&](RandomBlock<double>& to) {
    linear.forward<double>(values.data(), x.view, to.view, saved.view, scratch.view);
  };
  apply(y);
  const ParameterInfo& b = layout.tensors().back();  // (phi, epsilon, rho, gamma, beta)
  const Index block = b.size / 3;
  for (Index i = 0; i < block; ++i) values.data()[b.offset + block + i] += 1;
  apply(changed);
  for (Index f = 0; f < 12; ++f)
    CHECK((changed.view.row(f)[0] != y.view.row(f)[0]) == (f / 4 == 1));
}

TEST_CASE("the gradient of a mixed, aligned transformer equals central differences") {
  GptOptions options = small_gpt("btt:ranks=2", "v=dense,down=kronecker,o=monarch");
  options.width = 6;
  options.heads = 3;
  options.aligns_heads = true;
  const Transformer<double> model(transformer_options(options));
  const auto sequences = some_sequences(3, 6, 7);
  const auto inputs = token_block<double>(sequences, 0, 5);
  const auto targets = token_block<double>(sequences, 1, 5);
  const ExampleBlock<double> examples{inputs.view, targets.view};
  AlignedBuffer<double> values = random_values<double>(model.parameters().size(), 3);
  for (double& value : values.span()) value *= 0.5;
  AlignedBuffer<double> gradient(values.size()), workspace(model.workspace_size(3));
  model.loss_and_gradient(values.data(), examples, 1, workspace.data(), gradient.data());
  std::vector<double> each(3);
  check_gradient(
      values.span(),
      gradient.span(),
      [&] {
        model.losses(values.data(), examples, workspace.data(), each);
        return each[0] + each[1] + each[2];
      },
      1e-6);
}
