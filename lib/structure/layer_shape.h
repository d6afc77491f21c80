// A structure at given widths: everything that a layer needs to know before it has numbers.
#pragma once

#include <iosfwd>

#include "base/types.h"
#include "structure/cost.h"
#include "structure/sizes.h"
#include "structure/structure.h"

namespace einsearch {

struct LayerShape {
  Index d_in = 1;
  Index d_out = 1;
  bool is_dense = false;  ///< one d_in x d_out matrix; sizes are then (1|d_in|1|1|d_out|1|1)
  Sizes sizes;
  Order order = Order::a_first;      ///< executed
  Order fan_order = Order::a_first;  ///< that initialisation and learning rates follow
  Count params = 0;                  ///< weights, without bias
  Count flops = 0;  ///< forward FLOPs per sample, 2 per multiply-accumulate of the executed order
  Count rank = 0;   ///< bound on the rank, see rank_bound()

  bool operator==(const LayerShape&) const = default;
};

struct ResolveOptions {
  Rounding rounding = Rounding::exact;
  OrderRule order = OrderRule::cheaper;
};

/// Throws Error for widths outside [1, 2^40], padding beyond 15 % and counts beyond 64 bits. Sizes
/// far from theta (RoundingQuality::is_valid) are not an error here.
LayerShape resolve(const Structure& structure,
                   Index d_in,
                   Index d_out,
                   const ResolveOptions& options = {});

/// The part after sizes: orders and costs. Does not look at padding.
LayerShape shape_of(const Structure& structure,
                    const Sizes& sizes,
                    const Widths& widths,
                    OrderRule rule);

/// The two branches of shape_of().
LayerShape dense_shape(const Widths& widths, OrderRule rule);
LayerShape einsum_shape(const Sizes& sizes,
                        const UnroundedSizes& unrounded,
                        const Widths& widths,
                        OrderRule rule);

/// Widths with the structure's fixed inner size, if it has one.
Widths widths_of(const Structure& structure, Index d_in, Index d_out);

std::ostream& operator<<(std::ostream& out, const LayerShape& shape);

}  // namespace einsearch
