#include "structure/torch_module.h"

#include <fmt/format.h>

#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr std::string_view kImports = R"(
import dataclasses
import fnmatch
import itertools
import json
import math
import struct

import torch


@dataclasses.dataclass(frozen=True)
class Structure:
    """Exponents (alpha, beta, gamma, delta, epsilon, phi, rho); None: one dense matrix."""

    theta: tuple = None
    n_rho: int = None  # fixes the inner size, else min(d_in, d_out)^rho
    rounding: str = "exact"  # or "paper"
    order: str = "cheaper"  # or "a-first", "b-first"

)";

constexpr std::string_view kBody = R"PY(
def _macs(n):
    """Multiply-accumulates with A first and with B first."""
    a, b, g, d, e, f, r = n
    return g * f * r * b * d * (a + e), g * f * r * a * e * (b + d)


def _nearest(d, exponents):
    """Triples of divisors of d that are nearest to its powers in the logarithm."""
    divisors = [i for i in range(1, d + 1) if d % i == 0]
    triples = [(i, j, d // i // j) for i in divisors for j in divisors if (d // i) % j == 0]
    log = [math.log(i) / math.log(d) if d > 1 else 0.0 for i in range(1, d + 1)]

    def distance(t):
        x, y = log[t[0] - 1], log[t[1] - 1]
        return sum((u - v) ** 2 for u, v in zip((x, y, 1 - x - y), exponents))

    least = min(map(distance, triples))
    return [t for t in triples if distance(t) <= least + 1e-9]


def sizes(structure, d_in, d_out):
    """(n_alpha, n_beta, n_gamma, n_delta, n_epsilon, n_phi, n_rho) of a layer d_in -> d_out."""
    theta = structure.theta
    powers = [d_in**t for t in theta[:3]] + [d_out**t for t in theta[3:6]]
    rho = structure.n_rho or min(d_in, d_out) ** theta[6]
    n_rho = round(rho)
    if structure.rounding == "paper":
        n = (*map(round, powers), n_rho)
        for padded, d in ((math.prod(n[:3]), d_in), (math.prod(n[3:6]), d_out)):
            if abs(padded - d) > 0.15 * d:
                raise ValueError(f"padding beyond 15 %: {d} to {padded}")
        return n
    target = min(_macs((*powers, rho)))

    def better(new, old):
        """Of equally near sizes: rank, then cost near the unrounded, then gamma, alpha, epsilon."""
        keys = []
        for n in (new, old):
            a, b, g, d, e, f, r = n
            rank = min(a * b * g, d * e * f, b * g * d * f * r, a * g * e * f * r)
            ratio = min(_macs(n)) / target
            keys.append((rank, max(ratio, 1 / ratio), (g, a, e)))
        (rank, ratio, rest), (old_rank, old_ratio, old_rest) = keys
        if rank != old_rank:
            return rank > old_rank
        if abs(ratio - old_ratio) > 1e-9 * old_ratio:
            return ratio < old_ratio
        return rest > old_rest

    best = None
    for i, o in itertools.product(_nearest(d_in, theta[:3]), _nearest(d_out, theta[3:6])):
        if best is None or better((*i, *o, n_rho), best):
            best = (*i, *o, n_rho)
    return best


def _is_a_first(structure, d_in, d_out, n):
    """Whether A is applied first, and whether initialisation and learning rates think so."""
    if structure.order != "cheaper":
        return (structure.order == "a-first",) * 2
    theta = structure.theta
    powers = [d_in**t for t in theta[:3]] + [d_out**t for t in theta[3:6]]
    rho = structure.n_rho or min(d_in, d_out) ** theta[6]
    (a_first, b_first), (a_limit, b_limit) = _macs(n), _macs((*powers, rho))
    return a_first <= b_first, b_limit >= a_limit * (1 - 1e-9)


class StructuredLinear(torch.nn.Module):
    """y = W x + bias with W dense or of two factors, (..., d_in) -> (..., d_out).

    A (phi, delta, rho, gamma, alpha), B (phi, epsilon, rho, gamma, beta); a bias has pad_out entries.
    zero: the factor applied last starts at zero, as layers that end a residual branch do.
    """

    def __init__(self, d_in=D_IN, d_out=D_OUT, structure=S, bias=True, zero=False,
                 weight_norm=WEIGHT_NORM):
        super().__init__()
        self.d_in, self.d_out, self.structure, self.weight_norm = d_in, d_out, structure, weight_norm
        self.base_in = self.base_out = None  # sizes in the base model; None: param_groups() infers them
        self.pad_in, self.pad_out = d_in, d_out
        if structure.theta is None:
            self.names, shapes, fans = ["weight"], [(d_out, d_in)], [(d_in, d_out)]
            self.is_a_first = True
        else:
            self.n = a, b, g, d, e, f, r = sizes(structure, d_in, d_out)
            self.pad_in, self.pad_out = a * b * g, d * e * f
            self.is_a_first, fans_a_first = _is_a_first(structure, d_in, d_out, self.n)
            self.names, shapes = ["A", "B"], [(f, d, r, g, a), (f, e, r, g, b)]
            fans = [(a, d * f * r), (b * g * r, e)] if fans_a_first else [(a * g * r, d), (b, e * f * r)]
        self.max_rms = [math.sqrt(min(fan)) / fan[0] for fan in fans]
        self.lr_adam = [d_in / i / len(fans) for i, _ in fans]
        self.lr_sgd = [(o / i) / (d_out / d_in) / len(fans) for i, o in fans]
        last = "weight" if len(fans) == 1 else "B" if self.is_a_first else "A"
        for name, shape, std in zip(self.names, shapes, self.max_rms):
            values = torch.zeros(shape) if zero and name == last else std * torch.randn(shape)
            setattr(self, name, torch.nn.Parameter(values))
        self.bias = torch.nn.Parameter(torch.zeros(self.pad_out)) if bias else None

    def factors(self):
        """The factors as they are applied; with weight_norm, w / max(1, rms / max_rms)."""
        factors = [getattr(self, name) for name in self.names]
        if not self.weight_norm or len(factors) == 1:
            return factors
        epsilon = 1e-8 if self.n[1] == self.n[3] == 1 else 1e-6
        rms = [(w.square().mean() + epsilon).sqrt() for w in factors]
        return [w / torch.clamp(r / m, min=1) for w, r, m in zip(factors, rms, self.max_rms)]

    def forward(self, x):
        batch, x = x.shape[:-1], x.reshape(-1, self.d_in)
        if len(self.names) == 1:
            y = x @ self.weight.T
        else:
            a, b, g = self.n[:3]
            A, B = self.factors()
            x = torch.nn.functional.pad(x, (0, self.pad_in - self.d_in)).reshape(-1, g, b, a)
            if self.is_a_first:
                y = torch.einsum("fergb,nfdrgb->nfed", B, torch.einsum("fdrga,ngba->nfdrgb", A, x))
            else:
                y = torch.einsum("fdrga,nferga->nfed", A, torch.einsum("fergb,ngba->nferga", B, x))
            y = y.reshape(-1, self.pad_out)
        if self.bias is not None:
            y = y + self.bias
        return torch.nn.functional.pad(y, (0, self.d_out - self.pad_out)).reshape(*batch, self.d_out)


def replace_linears(model, structures):
    """Replaces torch.nn.Linear layers by name: replace_linears(model, {"mlp.*": S}).

    The first pattern that matches a layer's name counts. Returns the names of what was replaced.
    """
    found, unused = [], set(structures)
    for name, layer in list(model.named_modules()):
        pattern = next((p for p in structures if fnmatch.fnmatchcase(name, p)), None)
        if pattern is None or not isinstance(layer, torch.nn.Linear):
            continue
        parent = model.get_submodule(name.rpartition(".")[0])
        new = StructuredLinear(layer.in_features, layer.out_features, structures[pattern],
                               bias=layer.bias is not None)
        setattr(parent, name.rpartition(".")[2], new.to(layer.weight.device, layer.weight.dtype))
        found.append(name)
        unused.discard(pattern)
    if unused:
        raise ValueError(f"no torch.nn.Linear is named {' or '.join(sorted(unused))}")
    return found


def param_groups(model, lr, base_width, width=None, sgd=False):
    """Groups for an optimizer: lr is the rate of a dense layer in a model of width base_width.

    width: of this model; by default the smallest side of a StructuredLinear. A size that is a
    multiple of it is taken to grow with it, unless layer.base_in and base_out say otherwise. Adam's
    rule is that of every update whose size does not depend on the gradient's; sgd: plain descent.
    """
    layers = [m for m in model.modules() if isinstance(m, StructuredLinear)]
    width = width or min(min(m.d_in, m.d_out) for m in layers)

    def base(size):
        return size * base_width / width if size % width == 0 else size

    def multiplier(d_in, d_out, base_in, base_out):
        return (d_out / d_in) / (base_out / base_in) if sgd else base_in / d_in

    multipliers = {}
    for m in model.modules():
        if isinstance(m, StructuredLinear):
            dense = multiplier(m.d_in, m.d_out, m.base_in or base(m.d_in), m.base_out or base(m.d_out))
            for name, own in zip(m.names, m.lr_sgd if sgd else m.lr_adam):
                multipliers[getattr(m, name)] = own * dense
        elif isinstance(m, torch.nn.Linear):
            multipliers[m.weight] = multiplier(m.in_features, m.out_features, base(m.in_features),
                                               base(m.out_features))
        elif isinstance(m, torch.nn.Embedding) and sgd:
            multipliers[m.weight] = m.embedding_dim / base(m.embedding_dim)
    groups = {}
    for p in model.parameters():
        groups.setdefault(multipliers.get(p, 1.0), []).append(p)
    return [{"params": params, "lr": lr * by} for by, params in groups.items()]


def load(path):
    """The tensors of a safetensors file, by name."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, info in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        first, end = info["data_offsets"]
        values = torch.frombuffer(bytearray(data[start + first : start + end]), dtype=torch.float32)
        tensors[name] = values.reshape(info["shape"])
    return tensors
)PY";

std::string python_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string structure_code(const TorchModuleOptions& options) {
  const Structure& s = options.structure;
  if (s.is_dense) return "Structure()";
  const Theta& t = s.theta;
  return fmt::format("Structure(({}, {}, {}, {}, {}, {}, {}), {}, \"{}\", \"{}\")",
                     t.alpha,
                     t.beta,
                     t.gamma,
                     t.delta,
                     t.epsilon,
                     t.phi,
                     t.rho,
                     s.n_rho ? std::to_string(*s.n_rho) : "None",
                     to_string(options.resolve.rounding),
                     to_string(options.resolve.order));
}

}  // namespace

std::string parity_check_code(const std::string& parity_file) {
  return fmt::format(
      "t = load({}); layer = StructuredLinear(); layer.load_state_dict({{k: t[k] for k in "
      "layer.state_dict()}})\n"
      "x = t[\"x\"].requires_grad_(); y = layer(x); y.backward(t[\"dy\"])\n"
      "pairs = [(y, t[\"y\"]), (x.grad, t[\"dx\"])] + [(p.grad, t[\"d\" + k]) for k, p in "
      "layer.named_parameters()]\n"
      "assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in pairs)\n",
      python_text(parity_file));
}

std::string torch_module_code(const TorchModuleOptions& options) {
  std::string text = fmt::format("\"\"\"{} as a PyTorch layer of any size, written by einsearch.\n",
                                 options.structure.name);
  if (!options.parity_file.empty()) {
    text += "\nThe parity case is checked by\n\n    from layer import *  # this file\n";
    const std::string check = parity_check_code(options.parity_file);
    for (std::size_t start = 0; start < check.size();) {
      const std::size_t end = check.find('\n', start);
      text += "    " + check.substr(start, end - start) + "\n";
      start = end + 1;
    }
  }
  text += "\"\"\"\n";
  text += kImports;
  text += fmt::format("\nS = {}  # {}\nD_IN, D_OUT = {}, {}\nWEIGHT_NORM = {}\n\n",
                      structure_code(options),
                      options.structure.name,
                      options.d_in,
                      options.d_out,
                      options.has_weight_norm ? "True" : "False");
  return text + std::string(kBody);
}

}  // namespace einsearch
