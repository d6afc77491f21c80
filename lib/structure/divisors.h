// The ways to write a width as an ordered product of three divisors: the sizes that a side of a
// layer can have without padding.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/types.h"

namespace einsearch {

/// Widths above this are refused: it keeps factorisation instant and products of two widths within
/// reach of 64 bits.
inline constexpr Index kLargestWidth = Index{1} << 40;

using Triple = std::array<Index, 3>;

/// Divisors of d >= 1, ascending.
std::vector<Index> divisors(Index d);

/// All ordered triples (a, b, c) with a b c = d, in ascending lexicographic order.
class DivisorTriples {
 public:
  explicit DivisorTriples(Index d);

  const std::vector<Triple>& all() const { return triples_; }

  /// The triples that minimise sum_i (log n_i / log d - x_i)^2, with every one within 1e-9 of the
  /// minimum, in ascending order.
  std::vector<Triple> nearest(const std::array<double, 3>& exponents) const;

 private:
  std::vector<Triple> triples_;
  std::vector<std::array<double, 2>> logs_;  // log_d of the first two; the third is the rest to 1
};

/// DivisorTriples(d), kept by this thread for those who come again, until there are too many.
std::shared_ptr<const DivisorTriples> shared_divisor_triples(Index d);

}  // namespace einsearch
