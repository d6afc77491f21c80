#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "app/run_binary.h"
#include "structure/factor_rule.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

struct Case {
  const char* structure;
  Index d_in, d_out;
  const char* more;
};

constexpr Case kCases[] = {
    {"monarch", 30, 42, "--weight-norm"},
    {"dense", 6, 10, ""},
    {"g2", 64, 100, "--rounding paper --order b-first --weight-norm"},
    {"tt4", 64, 256, "--rounding paper"},
    {"btt:ranks=3", 35, 33, "--order a-first"},
    {"low-rank:1/2", 48, 12, ""},
};

/// A python that can import torch, or nothing.
std::string python_with_torch() {
  for (const std::string python : {"python3", "/usr/bin/python3"}) {
    const std::string finds = " -c 'import importlib.util as u; assert u.find_spec(\"torch\")'";
    if (run_shell(python + finds).status == 0) return python;
  }
  return "";
}

/// Widths and structures whose sizes and rules the module works out for itself.
constexpr Index kWidths[][2] = {{64, 64}, {64, 256}, {256, 64}, {96, 24}, {60, 84}, {7, 128}};
constexpr const char* kStructures[] = {
    "monarch", "btt3", "btt:rank=1/4", "tt2", "kronecker", "g1", "low-rank:0.75"};

/// Prints everything that the test compares. Arguments: the folder of modules, and how many.
constexpr const char* kModuleHarness = R"(
import sys, torch
folder, count = sys.argv[1], int(sys.argv[2])
for i in range(count):
    code = {"__name__": "layer"}
    exec(open(f"{folder}/layer{i}.py").read(), code)
    check = [line[4:] for line in code["__doc__"].splitlines() if line.startswith("    ")]
    assert len(check) == 5, check
    exec("\n".join(check[1:]), code)  # without the import
for line in open(f"{folder}/structures"):
    theta, n_rho, d_in, d_out = line.split()
    theta = tuple(map(float, theta.split(",")))
    structure = code["Structure"](theta, int(n_rho) or None)
    layer = code["StructuredLinear"](int(d_in), int(d_out), structure)
    print(*layer.n, *["%.12g" % v for v in layer.max_rms + layer.lr_adam + layer.lr_sgd],
          int(layer.is_a_first))

class Mlp(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.input = torch.nn.Linear(8, 64)
        self.up, self.down = torch.nn.Linear(64, 256), torch.nn.Linear(256, 64)
        self.output = torch.nn.Linear(64, 3)
    def forward(self, x):
        return self.output(self.down(torch.relu(self.up(self.input(x)))))

torch.manual_seed(0)
S = code["Structure"]((0.5, 0, 0.5, 0, 0.5, 0.5, 0))
model = Mlp()
assert code["replace_linears"](model, {"up": S, "d*": S}) == ["up", "down"]
assert sorted(k for k in model.state_dict() if k.startswith("up")) == ["up.A", "up.B", "up.bias"]
try:
    code["replace_linears"](model, {"missing.*": S})
    raise SystemExit("a pattern without effect was accepted")
except ValueError:
    pass
groups = code["param_groups"](model, 1e-3, base_width=32)
rates = {id(p): g["lr"] for g in groups for p in g["params"]}
assert len(rates) == len(list(model.parameters()))
close = lambda p, lr: abs(rates[id(p)] - lr) < 1e-9
assert close(model.input.weight, 1e-3) and close(model.input.bias, 1e-3)
assert close(model.output.weight, 0.5e-3)
assert close(model.up.A, 1e-3 * 8 / 2 / 2) and close(model.down.A, 1e-3 * 16 / 2 / 2)
optimizer = torch.optim.Adam(groups)
x = torch.randn(64, 8); target = x[:, :3] ** 2
losses = []
for _ in range(30):
    loss = (model(x) - target).square().mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    losses.append(loss.item())
assert losses[-1] < 0.8 * losses[0], losses
)";

/// What the module should print for one layer.
std::string expected_line(const LayerShape& shape) {
  const Sizes& n = shape.sizes;
  std::string line = fmt::format("{} {} {} {} {} {} {}",
                                 n.n_alpha,
                                 n.n_beta,
                                 n.n_gamma,
                                 n.n_delta,
                                 n.n_epsilon,
                                 n.n_phi,
                                 n.n_rho);
  const std::vector<FactorRule> rules = factor_rules(shape);
  for (const auto member : {&FactorRule::init_std, &FactorRule::lr_adam, &FactorRule::lr_sgd}) {
    for (const FactorRule& rule : rules) line += fmt::format(" {:.12g}", rule.*member);
  }
  return line + (shape.order == Order::a_first ? " 1" : " 0");
}

}  // namespace

TEST_CASE(
    "the PyTorch module computes, initialises and learns as einsearch does, and replaces layers") {
  const std::string python = python_with_torch();
  if (python.empty()) {
    MESSAGE("skipped: no python3 that can import torch");
    return;
  }
  const std::string folder = scratch_path("torch");
  run_shell("mkdir -p " + folder);
  int count = 0;
  for (const Case& c : kCases) {
    const Outcome made = run_shell(fmt::format(
        "$EINSEARCH inspect '{0}' --d-in {1} --d-out {2} {3} --as torch --module --parity "
        "{4}/case{5}.safetensors -o {4}/layer{5}.py",
        c.structure,
        c.d_in,
        c.d_out,
        c.more,
        folder,
        count++));
    REQUIRE_MESSAGE(made.status == 0, made.err);
  }
  std::ofstream list(folder + "/structures");
  std::string expected;
  for (const char* name : kStructures) {
    const Structure structure = parse_structure(name);
    const Theta& t = structure.theta;
    for (const auto& [d_in, d_out] : kWidths) {
      list << fmt::format("{},{},{},{},{},{},{} {} {} {}\n",
                          t.alpha,
                          t.beta,
                          t.gamma,
                          t.delta,
                          t.epsilon,
                          t.phi,
                          t.rho,
                          structure.n_rho.value_or(0),
                          d_in,
                          d_out);
      expected += expected_line(resolve(structure, d_in, d_out)) + "\n";
    }
  }
  list.close();
  std::ofstream(folder + "/harness.py") << kModuleHarness;
  const Outcome checked =
      run_shell(fmt::format("{} {}/harness.py {} {}", python, folder, folder, count));
  REQUIRE_MESSAGE(checked.status == 0, checked.err);
  CHECK(checked.out == expected);
}

TEST_CASE("options of the module without the module are refused") {
  const std::string inspect = "$EINSEARCH inspect btt --d-in 8 --d-out 8 ";
  for (const char* bad : {"--module",
                          "--as numpy --module",
                          "--as torch --parity x",
                          "--parity x",
                          "--as torch --weight-norm",
                          "--as torch --module --parity /nonexistent/x"}) {
    CAPTURE(bad);
    const Outcome outcome = run_shell(inspect + bad);
    CHECK(outcome.status == 2);
    CHECK(outcome.err.starts_with("einsearch: error: "));
  }
}
