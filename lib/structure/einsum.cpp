#include "structure/einsum.h"

#include <string_view>

namespace einsearch {
namespace {

constexpr std::string_view kA = "fdrga";
constexpr std::string_view kB = "fergb";
constexpr std::string_view kInput = "gba";
constexpr std::string_view kOutput = "fed";

Index size_of(char axis, const Sizes& s) {
  switch (axis) {
    case 'a':
      return s.n_alpha;
    case 'b':
      return s.n_beta;
    case 'g':
      return s.n_gamma;
    case 'd':
      return s.n_delta;
    case 'e':
      return s.n_epsilon;
    case 'f':
      return s.n_phi;
    default:
      return s.n_rho;
  }
}

/// The axes longer than 1.
std::string squeezed(std::string_view axes, const Sizes& sizes) {
  std::string kept;
  for (const char axis : axes) {
    if (size_of(axis, sizes) > 1) kept += axis;
  }
  return kept;
}

}  // namespace

std::string einsum_text(const LayerShape& shape) {
  const Sizes& s = shape.sizes;
  std::string text = squeezed(kA, s);
  if (shape.is_dense) {
    text = squeezed("eb", s);
  } else {
    text += ',';
    text += squeezed(kB, s);
  }
  text += ',';
  text += squeezed(kInput, s);
  text += "->";
  text += squeezed(kOutput, s);
  return text;
}

EinsumSteps einsum_steps(const LayerShape& shape) {
  const bool is_a_first = shape.order == Order::a_first;
  const auto keep = [&](std::string_view axes) { return squeezed(axes, shape.sizes); };
  const std::string between = keep(is_a_first ? "fdrgb" : "ferga");
  return {keep(is_a_first ? kA : kB) + "," + keep(kInput) + "->" + between,
          keep(is_a_first ? kB : kA) + "," + between + "->" + keep(kOutput)};
}

}  // namespace einsearch
