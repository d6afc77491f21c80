#include "nn/mixture_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "structure/fraction.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr Index kMostExperts = 1024;

struct NamedKind {
  std::string_view name;
  MixtureKind kind;
  std::string_view structure;  // of an expert, unless it is named
};

constexpr std::array<NamedKind, 3> kKinds = {
    NamedKind{"btt-moe", MixtureKind::ranks, "btt"},
    NamedKind{"layer-moe", MixtureKind::layers, "dense"},
    NamedKind{"ffn-moe", MixtureKind::networks, "dense"},
};

Index parse_experts(std::string_view key, std::string_view value, const std::string& where) {
  const std::optional<double> number = parse_number(value);
  const bool is_whole = number && *number >= 1 && *number <= static_cast<double>(kMostExperts) &&
                        std::nearbyint(*number) == *number;
  if (!is_whole) {
    throw Error(fmt::format("bad number of {} experts", key == "active" ? "active" : "all"),
                {.where = where,
                 .expected = fmt::format("a whole number from 1 to {}", kMostExperts),
                 .got = fmt::format("\"{}\"", value)});
  }
  return static_cast<Index>(*number);
}

/// The options behind the colon into `model`.
void parse_options(std::string_view options, const std::string& where, ModelStructure& model) {
  while (!options.empty()) {
    const std::size_t equals = options.find('=');
    const std::string_view key = options.substr(0, equals);
    if (equals == std::string_view::npos || (key != "experts" && key != "active" && key != "of")) {
      throw Error("unknown option of a mixture",
                  {.where = where,
                   .expected = "experts=E, active=K, and of=S at the end",
                   .got = fmt::format("\"{}\"", options)});
    }
    options.remove_prefix(equals + 1);
    if (key == "of") {
      model.structure = parse_structure(options);
      return;
    }
    const std::size_t comma = std::min(options.find(','), options.size());
    const Index number = parse_experts(key, options.substr(0, comma), where);
    (key == "experts" ? model.mixture->experts : model.mixture->active) = number;
    options.remove_prefix(std::min(comma + 1, options.size()));
  }
}

void validate(const ModelStructure& model, const std::string& where) {
  const MixtureOptions& mixture = *model.mixture;
  if (mixture.active > mixture.experts) {
    throw Error("fewer experts than active ones",
                {.where = where,
                 .expected = fmt::format("at least {} experts", mixture.active),
                 .got = std::to_string(mixture.experts)});
  }
  if (mixture.kind == MixtureKind::ranks && model.structure.is_dense) {
    throw Error("a dense matrix has no factors between which a gate could choose",
                {.where = where, .expected = "btt, low-rank:R, ...", .hint = "layer-moe"});
  }
}

/// Factors of d, the smaller first.
std::pair<Index, Index> paper_factors(Index d) {
  Index first = 1, second = 1;
  const auto multiply = [&](Index prime) { (second < first ? second : first) *= prime; };
  for (Index prime = 2; prime * prime <= d; ++prime) {
    for (; d % prime == 0; d /= prime) multiply(prime);
  }
  if (d > 1) multiply(d);
  return std::minmax(first, second);
}

}  // namespace

std::string ModelStructure::name() const {
  if (!mixture) return structure.name;
  const NamedKind& kind = kKinds[static_cast<std::size_t>(mixture->kind)];
  std::string text =
      fmt::format("{}:experts={},active={}", kind.name, mixture->experts, mixture->active);
  if (structure.name != kind.structure) text += ",of=" + structure.name;
  return text;
}

ModelStructure parse_model_structure(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const NamedKind& named) {
    return named.name == text.substr(0, colon);
  });
  if (kind == kKinds.end()) return {parse_structure(text)};
  const std::string where = fmt::format("structure \"{}\"", text);
  ModelStructure model{parse_structure(kind->structure), MixtureOptions{.kind = kind->kind}};
  if (colon < text.size()) parse_options(text.substr(colon + 1), where, model);
  validate(model, where);
  return model;
}

LayerShape rank_expert_shape(const Structure& structure,
                             Index d_in,
                             Index d_out,
                             const ResolveOptions& options) {
  const bool has_paper_sizes = options.rounding == Rounding::paper && !structure.n_rho &&
                               structure.theta == parse_structure("btt").theta;
  if (!has_paper_sizes) return resolve(structure, d_in, d_out, options);
  const Widths widths = widths_of(structure, d_in, d_out);
  validate(widths);
  Sizes sizes;
  std::tie(sizes.n_alpha, sizes.n_gamma) = paper_factors(d_in);
  std::tie(sizes.n_phi, sizes.n_epsilon) = paper_factors(d_out);
  return einsum_shape(sizes, unrounded_sizes(structure.theta, widths), widths, options.order);
}

}  // namespace einsearch
