// The lattice 1/n: all theta whose exponents are multiples of 1/n.
#pragma once

#include <array>
#include <vector>

#include "base/types.h"
#include "structure/taxonomy.h"
#include "structure/theta.h"

namespace einsearch {

/// Grids finer than this are refused; fractions are printed up to this denominator.
inline constexpr Count kFinestGrid = 1000;

/// A side of the lattice: three numerators that add to n.
using SidePoint = std::array<int, 3>;

/// All of them in ascending lexicographic order, C(n + 2, 2).
std::vector<SidePoint> side_points(int n);

/// A point of the lattice; numerators over n.
struct LatticePoint {
  SidePoint input;   ///< alpha, beta, gamma
  SidePoint output;  ///< delta, epsilon, phi
  int rho = 0;
};

/// Whole-number versions of is_canonical() and of the bound in is_degenerate(): rho <= largest_rho.
bool is_canonical(const SidePoint& input, const SidePoint& output);
int largest_rho(const SidePoint& input, const SidePoint& output);

Theta theta_of(const LatticePoint& point, int n);
Taxonomy taxonomy_of(const LatticePoint& point, int n);
bool is_dense(const LatticePoint& point, int n);

/// How many points the lattice 1/n has.
struct LatticeCounts {
  Count all = 0;        ///< C(n + 2, 2)^2 (n + 1)
  Count fixed = 0;      ///< equal to their own exchange: (floor(n / 2) + 1)^2 (n + 1)
  Count canonical = 0;  ///< (all + fixed) / 2
};
LatticeCounts lattice_counts(int n);

}  // namespace einsearch
