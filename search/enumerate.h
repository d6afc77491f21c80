// Walks through the space of structures. Candidates are handed to a visitor one by one, in an order
// that is part of the definition; memory does not grow with their number.
//
// Redundant theta (not canonical: another one is the same set of matrices) and degenerate theta
// (dearer than dense, which contains them) are left out unless asked for; candidates whose sizes
// are invalid (padding beyond 15 %, or a size more than a factor 2 from its power) always.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "compute/parallel.h"
#include "search/filter.h"
#include "structure/candidate.h"

namespace einsearch {

/// Sees each candidate; returns false to stop.
using CandidateVisitor = std::function<bool(const Candidate&)>;

/// How a walk ended.
struct Tally {
  Count kept = 0;     ///< handed to the visitor
  Count invalid = 0;  ///< left out because of their sizes alone

  bool operator==(const Tally&) const = default;
  Tally& operator+=(const Tally& other);
};

struct SpaceOptions {
  Index d_in = 1;
  Index d_out = 1;
  ResolveOptions resolve = {};
  FilterSet filters = {};
  bool keep_redundant = false;  ///< also keeps degenerate ones
  bool keep_degenerate = false;
};

/// A walk in parts. The parts one after the other are the whole walk, and each can be walked by
/// itself, so threads can share them. Holds what it needs, the options included.
struct Walk {
  std::size_t parts = 0;
  std::function<Tally(std::size_t part, const CandidateVisitor& visit)> visit_part;
};

/// The lattice 1/n, ascending in (alpha, beta, delta, epsilon, rho), the last fastest.
Walk grid_walk(int n, const SpaceOptions& options);

/// Of theta with equal sizes only the first, ascending in (sizes of the input side, of the output
/// side, n_rho); the dense matrix comes first and stays apart from einsums of equal sizes.
Walk unique_walk(int n, const SpaceOptions& options);

/// All integer structures of d_in x d_out: ordered triples of divisors for either side, and every
/// n_rho up to two bounds: n_rho <= min(n_alpha n_delta, n_beta n_epsilon), beyond which the set of
/// matrices no longer grows, and multiply-accumulates (cheaper order) <= d_in d_out, beyond which
/// dense is cheaper and contains it. theta is log n / log d to six decimals. Ascending in sizes.
Walk divisor_walk(const SpaceOptions& options);

/// Walks through all parts, one after the other.
Tally visit_all(const Walk& walk, const CandidateVisitor& visit);

/// How many candidates a walk has.
Tally count_all(const Walk& walk, const Threads& threads);

/// count_all(grid_walk(n, options)), without looking at the candidates one by one.
Tally count_grid(int n, const SpaceOptions& options, const Threads& threads);

/// How many theta the lattice has by filters on omega, psi and nu alone; widths play no part.
Count count_theta(int n, const SpaceOptions& options);

/// The theta of the lattice by the same filters, in the order of grid_walk(); `see` returns
/// false to stop.
void walk_theta(int n, const SpaceOptions& options, const std::function<bool(const Theta&)>& see);

/// Draws theta uniformly from simplex x simplex x [0, 1] (multiples of 1e-6) until `count`
/// candidates are kept, or until 1,000 draws per wanted candidate plus 100,000 were made.
/// Redundant draws are replaced by their canonical form, degenerate ones are drawn again.
Tally enumerate_samples(Count count,
                        std::uint64_t seed,
                        const SpaceOptions& options,
                        const CandidateVisitor& visit);

/// Given structures, in order; redundant and degenerate ones are kept.
Tally enumerate_structures(std::span<const Structure> structures,
                           const SpaceOptions& options,
                           const CandidateVisitor& visit);

/// Throws Error unless 1 <= n <= kFinestGrid.
void validate_grid(Count n);

}  // namespace einsearch
