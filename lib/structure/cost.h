// What a structure costs at integer sizes, in either order of contraction.
//
// Two intermediate sizes decide everything:
//     cut_A = n_beta  n_gamma n_delta   n_phi n_rho   between the steps, A applied first
//     cut_B = n_alpha n_gamma n_epsilon n_phi n_rho   between the steps, B applied first
#pragma once

#include <iosfwd>
#include <optional>
#include <string_view>

#include "base/types.h"
#include "structure/sizes.h"
#include "structure/theta.h"

namespace einsearch {

/// The factor that is applied first.
enum class Order { a_first, b_first };

/// How a layer chooses its order; equal cost is A first.
enum class OrderRule { cheaper, a_first, b_first };

const char* to_string(Order order);
const char* to_string(OrderRule rule);
OrderRule parse_order_rule(std::string_view text);
std::ostream& operator<<(std::ostream& out, Order order);

/// Weights of both factors, without bias:
/// n_alpha n_gamma n_delta n_phi n_rho + n_beta n_gamma n_epsilon n_phi n_rho.
/// This and the next throw Error when the number does not fit in 64 bits.
Count parameter_count(const Sizes& sizes);

/// Multiply-accumulates per sample: cut_A (n_alpha + n_epsilon) or cut_B (n_beta + n_delta).
Count multiply_accumulates(const Sizes& sizes, Order order);

/// Nothing instead of an error when the number does not fit.
std::optional<Count> try_multiply_accumulates(const Sizes& sizes, Order order);

/// The same in floating point, which cannot overflow.
double approximate_macs(const Sizes& sizes, Order order);

/// The order with fewer multiply-accumulates; equal is A first.
Order cheaper_order(const Sizes& sizes);
Order choose_order(const Sizes& sizes, OrderRule rule);

/// min(d_in, d_out, pad_in, pad_out, cut_A, cut_B), the min-cut bound on the rank. Almost all
/// factors reach it at power-of-two sizes and for gamma = phi = rho = 1; elsewhere a few per cent
/// can be missing.
Count rank_bound(const Sizes& sizes, Index d_in, Index d_out);

/// d_in^alpha ... d_out^phi and n_rho, before rounding.
struct UnroundedSizes {
  double alpha = 1;
  double beta = 1;
  double gamma = 1;
  double delta = 1;
  double epsilon = 1;
  double phi = 1;
  double rho = 1;
};

UnroundedSizes unrounded_sizes(const Theta& theta, const Widths& widths);

/// Multiply-accumulates per sample at these sizes in the cheaper order.
double unrounded_macs(const UnroundedSizes& sizes);

/// The order that is cheaper at sizes d^theta. Initialisation and learning rates follow it, so
/// that they do not zig-zag with rounding as the width grows.
Order unrounded_order(const UnroundedSizes& sizes);

}  // namespace einsearch
