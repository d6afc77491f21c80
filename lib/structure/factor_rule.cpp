#include "structure/factor_rule.h"

#include <algorithm>
#include <cmath>

namespace einsearch {
namespace {

FactorRule rule_of(Count fan_in, Count fan_out, const LayerShape& shape, int factors) {
  const double in = static_cast<double>(fan_in);
  const double out = static_cast<double>(fan_out);
  const double d_in = static_cast<double>(shape.d_in);
  const double d_out = static_cast<double>(shape.d_out);
  return {.fan_in = fan_in,
          .fan_out = fan_out,
          .init_std = std::sqrt(std::min(in, out)) / in,
          .lr_adam = (d_in / in) / factors,
          .lr_sgd = ((out / in) / (d_out / d_in)) / factors};
}

}  // namespace

std::vector<FactorRule> factor_rules(const LayerShape& shape) {
  if (shape.is_dense) return {rule_of(shape.d_in, shape.d_out, shape, 1)};
  const Sizes& s = shape.sizes;
  if (shape.fan_order == Order::a_first) {
    return {rule_of(s.n_alpha, s.n_delta * s.n_phi * s.n_rho, shape, 2),
            rule_of(s.n_beta * s.n_gamma * s.n_rho, s.n_epsilon, shape, 2)};
  }
  return {rule_of(s.n_alpha * s.n_gamma * s.n_rho, s.n_delta, shape, 2),
          rule_of(s.n_beta, s.n_epsilon * s.n_phi * s.n_rho, shape, 2)};
}

}  // namespace einsearch
