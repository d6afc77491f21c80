// Integer arithmetic that reports overflow instead of wrapping.
#pragma once

#include <optional>

#include "base/types.h"

namespace einsearch {

inline std::optional<Count> checked_add(Count a, Count b) {
  Count sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<Count> checked_multiply(Count a, Count b) {
  Count product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// Product of all arguments, or nothing when it does not fit.
template <typename... Rest>
std::optional<Count> checked_product(Count first, Rest... rest) {
  std::optional<Count> product = first;
  ((product = product ? checked_multiply(*product, rest) : product), ...);
  return product;
}

}  // namespace einsearch
