// How parameters follow their gradients. With g the gradient after clipping, rate r (base rate by
// the schedule, times the tensor's multiplier) and decay d; decay is decoupled and first:
//
//   adamw  m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
//          p = (1 - r d) p - r (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
//   sgd    m = b1 m + g,  p = (1 - r d) p - r m
//   lion   p = (1 - r d) p - r sign(b1 m + (1 - b1) g),  then m = b2 m + (1 - b2) g
//
// (Loshchilov and Hutter 2019; Chen et al. 2023.) Multipliers are those of muP for Adam, which hold
// for every update whose size does not depend on the gradient's, so for lion too; sgd has its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nn/parameters.h"

namespace einsearch {

enum class OptimizerKind { adamw, sgd, lion };

const std::vector<std::string>& optimizer_names();
const char* to_string(OptimizerKind kind);
/// Throws Error with a suggestion for an unknown name.
OptimizerKind parse_optimizer(std::string_view name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adamw;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double clip = 0;  ///< largest global gradient norm; 0: no clipping
};

/// The tensor's multiplier of the base rate.
double rate_multiplier(const OptimizerOptions& options, const ParameterInfo& tensor);

}  // namespace einsearch
