// The order-2 model of a text: each token from the two before it, by counts. What a trained model
// has to beat to have learned more than pairs.
//
// With c the counts of the training stream and t the number of different followers that were seen
// (Witten and Bell 1991), each order backs off to the one below:
//
//   p(w | uv) = (c(uvw) + t(uv) p(w | v)) / (c(uv) + t(uv)),   p(w | v) likewise from p(w),
//   p(w) = (c(w) + 1) / (N + V)
#pragma once

#include <optional>

#include "task/tokens.h"

namespace einsearch {

/// Mean loss of the held-out stream's tokens behind its first two, nats. Nothing for vocabularies
/// above 256, whose counts would not fit, and for streams of fewer than three tokens. Counts the
/// first 2^26 tokens of the training stream.
std::optional<double> order2_loss(const TokenData& data);

}  // namespace einsearch
