#include "structure/code.h"

#include <fmt/format.h>

#include "base/error.h"
#include "structure/factor_rule.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

/// What differs between the three array libraries.
struct Dialect {
  std::string_view import;
  std::string_view einsum;
  std::string_view pad;  // format: amount of zeros after the last axis of `x`
  std::string_view epilogue;
};

constexpr std::string_view kNumpyInit = R"(
def init(rng):
    """Initial factors; rng is numpy.random.default_rng(seed)."""
    return [std * rng.standard_normal(shape) for std, shape in zip(INIT_STD, SHAPES)]


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, D_IN))
    print(x.shape, "->", apply(x, *init(rng)).shape)
)";

constexpr std::string_view kJaxInit = R"(
def init(key):
    """Initial factors; key is jax.random.PRNGKey(seed)."""
    keys = jax.random.split(key, len(SHAPES))
    return [std * jax.random.normal(k, shape) for k, std, shape in zip(keys, INIT_STD, SHAPES)]


if __name__ == "__main__":
    x = jax.random.normal(jax.random.PRNGKey(1), (3, D_IN))
    print(x.shape, "->", jax.jit(apply)(x, *init(jax.random.PRNGKey(0))).shape)
)";

constexpr std::string_view kTorchInit = R"(
class StructuredLinear(torch.nn.Module):
    """Scale the learning rate of factors[i] by LR_ADAM[i] under Adam, by LR_SGD[i] under SGD."""

    def __init__(self, bias=True):
        super().__init__()
        self.factors = torch.nn.ParameterList(
            [torch.nn.Parameter(std * torch.randn(shape)) for std, shape in zip(INIT_STD, SHAPES)])
        self.bias = torch.nn.Parameter(torch.zeros(PAD_OUT)) if bias else None

    def forward(self, x):
        return apply(x, *self.factors, bias=self.bias)


if __name__ == "__main__":
    x = torch.randn(3, D_IN)
    print(tuple(x.shape), "->", tuple(StructuredLinear()(x).shape))
)";

Dialect dialect_of(CodeDialect dialect) {
  switch (dialect) {
    case CodeDialect::torch:
      return {"import torch", "torch.einsum", "torch.nn.functional.pad({0}, (0, {1}))", kTorchInit};
    case CodeDialect::jax:
      return {"import jax\nimport jax.numpy as jnp",
              "jnp.einsum",
              "jnp.pad({0}, ((0, 0), (0, {1})))",
              kJaxInit};
    case CodeDialect::numpy:
      break;
  }
  return {"import numpy as np", "np.einsum", "np.pad({0}, ((0, 0), (0, {1})))", kNumpyInit};
}

std::string header(const Candidate& candidate) {
  const LayerShape& shape = candidate.shape;
  const Sizes& s = shape.sizes;
  std::string text = fmt::format("# {}: theta {}, {} -> {} features\n",
                                 candidate_name(candidate),
                                 to_string(candidate.theta),
                                 shape.d_in,
                                 shape.d_out);
  if (!shape.is_dense) {
    text +=
        fmt::format("# sizes: alpha {}, beta {}, gamma {}, delta {}, epsilon {}, phi {}, rho {}\n",
                    s.n_alpha,
                    s.n_beta,
                    s.n_gamma,
                    s.n_delta,
                    s.n_epsilon,
                    s.n_phi,
                    s.n_rho);
  }
  const double dense_flops = 2 * static_cast<double>(shape.d_in) * static_cast<double>(shape.d_out);
  text += fmt::format("# {} parameters without bias, {} FLOPs per sample ({:.4g} of dense)",
                      shape.params,
                      shape.flops,
                      static_cast<double>(shape.flops) / dense_flops);
  if (!shape.is_dense) {
    text += shape.order == Order::a_first ? ", A is applied first" : ", B is applied first";
  }
  return text + "\n";
}

std::string tuple_of(const std::vector<std::string>& items) {
  std::string text = "(";
  for (const std::string& item : items) text += item + ", ";
  text.back() = ')';
  if (items.size() > 1) text.erase(text.size() - 2, 1);
  return text;
}

std::string constants(const LayerShape& shape) {
  const Sizes& s = shape.sizes;
  std::vector<std::string> shapes;
  if (shape.is_dense) {
    shapes = {fmt::format("({}, {})", shape.d_out, shape.d_in)};
  } else {
    shapes = {
        fmt::format("({}, {}, {}, {}, {})", s.n_phi, s.n_delta, s.n_rho, s.n_gamma, s.n_alpha),
        fmt::format("({}, {}, {}, {}, {})", s.n_phi, s.n_epsilon, s.n_rho, s.n_gamma, s.n_beta)};
  }
  std::vector<std::string> stds, adam, sgd;
  for (const FactorRule& rule : factor_rules(shape)) {
    stds.push_back(fmt::format("{}", rule.init_std));
    adam.push_back(fmt::format("{}", rule.lr_adam));
    sgd.push_back(fmt::format("{}", rule.lr_sgd));
  }
  const char* const axes = shape.is_dense ? "W (output, input)"
                                          : "A (phi, delta, rho, gamma, alpha), "
                                            "B (phi, epsilon, rho, gamma, beta)";
  std::string text = fmt::format("D_IN, D_OUT = {}, {}\n", shape.d_in, shape.d_out);
  text += fmt::format("PAD_IN, PAD_OUT = {}, {}\n", s.pad_in(), s.pad_out());
  text += fmt::format("SHAPES = {}  # {}\n", tuple_of(shapes), axes);
  text += fmt::format("INIT_STD = {}\n", tuple_of(stds));
  text += fmt::format("LR_ADAM = {}  # multipliers of the learning rate of a dense layer\n",
                      tuple_of(adam));
  return text + fmt::format("LR_SGD = {}\n", tuple_of(sgd));
}

/// One line "name = name padded or cut", or nothing when the sizes agree.
std::string fit_line(const Dialect& dialect, std::string_view name, Index have, Index want) {
  if (have == want) return "";
  if (have > want) return fmt::format("    {0} = {0}[:, :{1}]\n", name, want);
  const std::string padded = fmt::format(fmt::runtime(dialect.pad), name, want - have);
  return fmt::format("    {} = {}\n", name, padded);
}

std::string steps(const LayerShape& shape, const Dialect& dialect) {
  const Sizes& s = shape.sizes;
  if (shape.is_dense) {
    return fmt::format("    y = {}(\"oi,ni->no\", W, x)\n", dialect.einsum);
  }
  const bool is_a_first = shape.order == Order::a_first;
  const Index cut = is_a_first ? s.n_beta * s.n_gamma * s.n_delta * s.n_phi * s.n_rho
                               : s.n_alpha * s.n_gamma * s.n_epsilon * s.n_phi * s.n_rho;
  const Index first = 2 * cut * (is_a_first ? s.n_alpha : s.n_beta);
  std::string text =
      fmt::format("    x = x.reshape(-1, {}, {}, {})\n", s.n_gamma, s.n_beta, s.n_alpha);
  text += fmt::format("    z = {}(\"{}\", {}, x)  # {} FLOPs per sample\n",
                      dialect.einsum,
                      is_a_first ? "fdrga,ngba->nfdrgb" : "fergb,ngba->nferga",
                      is_a_first ? "A" : "B",
                      first);
  text += fmt::format("    y = {}(\"{}\", {}, z)  # {} FLOPs per sample\n",
                      dialect.einsum,
                      is_a_first ? "fergb,nfdrgb->nfed" : "fdrga,nferga->nfed",
                      is_a_first ? "B" : "A",
                      shape.flops - first);
  return text + fmt::format("    y = y.reshape(-1, {})\n", s.pad_out());
}

}  // namespace

CodeDialect parse_code_dialect(std::string_view text) {
  if (text == "numpy") return CodeDialect::numpy;
  if (text == "torch") return CodeDialect::torch;
  if (text == "jax") return CodeDialect::jax;
  throw Error("unknown form of code",
              {.expected = "torch, jax or numpy", .got = std::string(text)});
}

std::string layer_code(const Candidate& candidate, CodeDialect code_dialect) {
  const LayerShape& shape = candidate.shape;
  const Dialect dialect = dialect_of(code_dialect);
  std::string text = header(candidate);
  text += fmt::format("{}\n\n{}\n\n", dialect.import, constants(shape));
  text += fmt::format("def apply(x, {}, bias=None):\n", shape.is_dense ? "W" : "A, B");
  text += "    \"\"\"(..., D_IN) -> (..., D_OUT); the bias has PAD_OUT entries.\"\"\"\n";
  text += "    batch = x.shape[:-1]\n";
  text += "    x = x.reshape(-1, D_IN)\n";
  text += fit_line(dialect, "x", shape.d_in, shape.sizes.pad_in());
  text += steps(shape, dialect);
  text += "    if bias is not None:\n        y = y + bias\n";
  text += fit_line(dialect, "y", shape.sizes.pad_out(), shape.d_out);
  text += "    return y.reshape(*batch, D_OUT)\n\n";
  return text + std::string(dialect.epilogue);
}

}  // namespace einsearch
