// How each factor of a layer starts and how fast it learns, so that every structure trains well at
// one base learning rate (maximal-update parametrisation of structured layers; arXiv 2410.02117,
// section 4).
#pragma once

#include <vector>

#include "base/types.h"
#include "structure/layer_shape.h"

namespace einsearch {

/// A factor as the batched matrix that it is: fan_in numbers are summed into each of fan_out.
///     A first   A: n_alpha -> n_delta n_phi n_rho        B: n_beta n_gamma n_rho -> n_epsilon
///     B first   A: n_alpha n_gamma n_rho -> n_delta      B: n_beta -> n_epsilon n_phi n_rho
/// by LayerShape::fan_order. Dense: d_in -> d_out.
struct FactorRule {
  Count fan_in = 1;
  Count fan_out = 1;
  double init_std = 1;  ///< sqrt(min(fan_in, fan_out)) / fan_in
  double lr_adam = 1;   ///< (d_in / fan_in) / number of factors
  double lr_sgd = 1;    ///< ((fan_out / fan_in) / (d_out / d_in)) / number of factors

  bool operator==(const FactorRule&) const = default;
};

/// Of A and B, or of the one dense matrix. Multipliers are those against a dense layer of the same
/// widths; the rule for the width itself comes on top.
std::vector<FactorRule> factor_rules(const LayerShape& shape);

}  // namespace einsearch
