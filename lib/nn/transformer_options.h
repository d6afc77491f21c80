// The two transformers, by their options: the character model of text (GPT-2 without biases) and
// the next-pixel model of images. Both are one class (nn/transformer.h) with different settings.
#pragma once

#include <optional>

#include "nn/model_options.h"
#include "structure/head_alignment.h"

namespace einsearch {

/// Pre-norm GPT-2: no biases, layer norm of queries and keys per head, attention scaled by 8 /
/// head size, residual branches multiplied by sqrt(3 / depth), untied head.
struct GptOptions : ModelOptions {
  Index vocabulary = 96;
  Index context = 128;     ///< tokens per sequence
  Index heads = 0;         ///< 0: as many as give the head size nearest 64, see default_heads()
  Index base_width = 768;  ///< width at which muP multipliers are 1, of a base model whose
                           ///< feed-forward layers are as wide as the residual stream
};

/// The next-pixel transformer: a sequence begins with a learned vector, layer norms and the
/// layers after attention have biases, queries start at zero.
struct PixelOptions : ModelOptions {
  Index vocabulary = 256;
  Index context = 192;  ///< pixel values per image
  Index heads = 8;
  Index base_width = 64;  ///< width at which all muP multipliers are 1
  Index positions = 0;    ///< rows of the position table; 0: context + 1, which is what is used
};

/// width / the divisor of width nearest 64 (of two, the smaller divisor).
Index default_heads(Index width);

/// What Transformer is made from.
struct TransformerOptions : ModelOptions {
  Index vocabulary = 0;
  Index context = 0;    ///< T, tokens per sequence
  Index positions = 0;  ///< rows of the position table
  Index heads = 1;
  bool starts_with_vector = false;  ///< the first input is learned, not a token
  bool has_biases = false;          ///< in layer norms, output, feed-forward and head
  bool has_zero_queries = false;    ///< the query projection starts at zero
  double branch_scale = 1;          ///< residual branches are multiplied by it
  Index counted_tokens = 0;         ///< positions per sequence that FLOPs count, T or more
  Index base_width = 0;
  Index base_wide = 0;  ///< inner features of the base model's feed-forward layers

  static constexpr Index kExpansion = 4;
};

/// How the axes of a layer are to be those of heads; nothing for other roles and where they are
/// not.
std::optional<HeadAlignment> head_alignment(const TransformerOptions& options, LayerRole role);

/// Throw Error where the heads do not divide the width and for sizes below 1.
TransformerOptions transformer_options(const GptOptions& options);
TransformerOptions transformer_options(const PixelOptions& options);

}  // namespace einsearch
