#include "structure/layer_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

#include "base/checked.h"
#include "base/error.h"

namespace einsearch {
namespace {

[[noreturn]] void throw_overflow(const char* what, const std::string& where) {
  throw Error(fmt::format("{} overflow", what),
              {.where = where,
               .expected = fmt::format("at most {}", std::numeric_limits<Count>::max()),
               .hint = "smaller widths"});
}

std::string text_of(const Sizes& sizes) {
  std::ostringstream text;
  text << "sizes " << sizes;
  return text.str();
}

}  // namespace

LayerShape dense_shape(const Widths& widths, OrderRule rule) {
  LayerShape shape;
  shape.d_in = widths.d_in;
  shape.d_out = widths.d_out;
  shape.is_dense = true;
  shape.sizes.n_beta = widths.d_in;
  shape.sizes.n_epsilon = widths.d_out;
  shape.order = rule == OrderRule::b_first ? Order::b_first : Order::a_first;
  shape.fan_order = shape.order;
  const std::optional<Count> weights = checked_multiply(widths.d_in, widths.d_out);
  const std::optional<Count> flops = weights ? checked_multiply(*weights, 2) : std::nullopt;
  if (!flops) throw_overflow("FLOPs", fmt::format("dense {} -> {}", widths.d_in, widths.d_out));
  shape.params = *weights;
  shape.flops = *flops;
  shape.rank = std::min(widths.d_in, widths.d_out);
  return shape;
}

LayerShape einsum_shape(const Sizes& sizes,
                        const UnroundedSizes& unrounded,
                        const Widths& widths,
                        OrderRule rule) {
  LayerShape shape;
  shape.d_in = widths.d_in;
  shape.d_out = widths.d_out;
  shape.sizes = sizes;
  shape.order = choose_order(sizes, rule);
  shape.fan_order = rule == OrderRule::cheaper ? unrounded_order(unrounded) : shape.order;
  shape.params = parameter_count(sizes);
  const auto flops = checked_multiply(multiply_accumulates(sizes, shape.order), 2);
  if (!flops) throw_overflow("FLOPs", text_of(sizes));
  shape.flops = *flops;
  shape.rank = rank_bound(sizes, widths.d_in, widths.d_out);
  return shape;
}

LayerShape shape_of(const Structure& structure,
                    const Sizes& sizes,
                    const Widths& widths,
                    OrderRule rule) {
  if (structure.is_dense) return dense_shape(widths, rule);
  return einsum_shape(sizes, unrounded_sizes(structure.theta, widths), widths, rule);
}

Widths widths_of(const Structure& structure, Index d_in, Index d_out) {
  return {d_in, d_out, structure.n_rho};
}

LayerShape resolve(const Structure& structure,
                   Index d_in,
                   Index d_out,
                   const ResolveOptions& options) {
  const Widths widths = widths_of(structure, d_in, d_out);
  validate(widths);
  if (structure.is_dense) return dense_shape(widths, options.order);
  const Sizes sizes = integer_sizes(structure.theta, widths, options.rounding);
  validate_padding(sizes, widths);
  return shape_of(structure, sizes, widths, options.order);
}

std::ostream& operator<<(std::ostream& out, const LayerShape& shape) {
  return out << shape.d_in << " -> " << shape.d_out << ' ' << shape.sizes << ' ' << shape.order
             << ", " << shape.params << " parameters, " << shape.flops << " FLOPs";
}

}  // namespace einsearch
