#include "nn/transformer_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.h"

namespace einsearch {
namespace {

void check_heads(Index width, Index heads) {
  if (heads >= 1 && width % heads == 0) return;
  throw Error("the heads do not divide the width",
              {.where = "attention",
               .expected = fmt::format("a number of heads that divides {}", width),
               .got = fmt::format("{}", heads),
               .hint = "--heads, or another width"});
}

}  // namespace

Index default_heads(Index width) {
  constexpr Index kHeadSize = 64;
  Index best = 1;
  for (Index size = 1; size <= width; ++size) {
    if (width % size == 0 && std::abs(size - kHeadSize) < std::abs(best - kHeadSize)) best = size;
  }
  return width / best;
}

std::optional<HeadAlignment> head_alignment(const TransformerOptions& options, LayerRole role) {
  if (!options.aligns_heads) return std::nullopt;
  switch (role) {
    case LayerRole::query:
    case LayerRole::key:
    case LayerRole::value:
      return HeadAlignment{options.heads, HeadSide::outputs};
    case LayerRole::output:
      return HeadAlignment{options.heads, HeadSide::inputs};
    default:
      return std::nullopt;
  }
}

TransformerOptions transformer_options(const GptOptions& options) {
  constexpr double kBaseDepth = 3;
  TransformerOptions t;
  static_cast<ModelOptions&>(t) = options;
  t.vocabulary = options.vocabulary;
  t.context = t.positions = t.counted_tokens = options.context;
  t.heads = options.heads > 0 ? options.heads : default_heads(options.width);
  t.branch_scale = std::sqrt(kBaseDepth / static_cast<double>(std::max<Index>(options.depth, 1)));
  t.base_width = t.base_wide = options.base_width;
  check_heads(t.width, t.heads);
  return t;
}

TransformerOptions transformer_options(const PixelOptions& options) {
  TransformerOptions t;
  static_cast<ModelOptions&>(t) = options;
  t.vocabulary = options.vocabulary;
  t.context = options.context;
  t.counted_tokens = options.context + 1;
  t.positions = options.positions > 0 ? options.positions : options.context + 1;
  t.heads = options.heads;
  t.starts_with_vector = t.has_biases = t.has_zero_queries = true;
  t.base_width = options.base_width;
  t.base_wide = TransformerOptions::kExpansion * options.base_width;
  check_heads(t.width, t.heads);
  return t;
}

}  // namespace einsearch
