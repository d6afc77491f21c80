#include "structure/head_alignment.h"

#include "base/error.h"

namespace einsearch {

bool can_align_heads(const Structure& structure) {
  const Family kind = family(structure);
  return !structure.is_dense && (kind == Family::btt || kind == Family::monarch);
}

LayerShape resolve_for_heads(const Structure& structure,
                             Index d_in,
                             Index d_out,
                             const HeadAlignment& alignment,
                             const ResolveOptions& options) {
  if (!can_align_heads(structure)) {
    throw Error("only block tensor-trains align with heads",
                {.expected = "btt or monarch", .got = structure.name});
  }
  Sizes sizes = resolve(structure, d_in, d_out, options).sizes;
  if (alignment.side == HeadSide::outputs) {
    sizes.n_phi = alignment.heads;
    sizes.n_epsilon = d_out / alignment.heads;
    sizes.n_delta = 1;
  } else {
    sizes.n_gamma = alignment.heads;
    sizes.n_alpha = d_in / alignment.heads;
    sizes.n_beta = 1;
  }
  const Widths widths = widths_of(structure, d_in, d_out);
  return shape_of(structure, sizes, widths, options.order);
}

}  // namespace einsearch
