// The ways to write a width as an ordered product of three divisors: the sizes that a side of a
// layer can have without padding.
#pragma once

#include <array>
#include <cstdint>
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

/// All ordered triples (a, b, c) with a b c = d, in ascending lexicographic order: four bytes each.
class DivisorTriples {
 public:
  explicit DivisorTriples(Index d);

  std::vector<Triple> all() const;

  /// The triples that minimise sum_i (log n_i / log d - x_i)^2, with every one within 1e-9 of the
  /// minimum, in ascending order.
  std::vector<Triple> nearest(const std::array<double, 3>& exponents) const;

  /// Memory that it holds.
  std::size_t bytes() const;

 private:
  using Places = std::array<std::uint16_t, 2>;  // of the first two among the divisors

  Triple triple(const Places& places) const;

  std::vector<Index> divisors_;
  std::vector<double> logs_;    // log_d of the divisors
  std::vector<Places> places_;  // of all triples
};

/// DivisorTriples(d), kept by this thread for those who come again, until there are too many.
std::shared_ptr<const DivisorTriples> shared_divisor_triples(Index d);

}  // namespace einsearch
