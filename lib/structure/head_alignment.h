// Block tensor-trains whose output (or input) axes are the heads of attention (arXiv 2410.02117,
// figure 10).
//
//   queries, keys, values   n_phi = heads, n_epsilon = head size, n_delta = 1
//   output projection       n_gamma = heads, n_alpha = head size, n_beta = 1
//
// Row h s + e of queries, keys and values belongs to head h of size s, and phi is the slowest axis
// of a layer's outputs as gamma is of its inputs: so each block of factor B makes one head's
// features, each block of factor A reads one head's. The other side has the sizes of theta.
#pragma once

#include "structure/layer_shape.h"

namespace einsearch {

enum class HeadSide { inputs, outputs };

/// Heads along one side of a layer, whose features they divide.
struct HeadAlignment {
  Index heads = 1;
  HeadSide side = HeadSide::outputs;
};

/// True for what can be aligned: structures with beta = delta = 0.
bool can_align_heads(const Structure& structure);

/// As resolve(); throws Error as well for a structure that cannot be aligned.
LayerShape resolve_for_heads(const Structure& structure,
                             Index d_in,
                             Index d_out,
                             const HeadAlignment& alignment,
                             const ResolveOptions& options = {});

}  // namespace einsearch
