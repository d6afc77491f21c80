// Structures off the lattice, near ones on it.
#pragma once

#include <vector>

#include "structure/structure.h"

namespace einsearch {

/// Theta at one step of 1/n from `structure`: n parts moved from one exponent of a side to another
/// (twelve ways), or rho changed by one (two). In canonical form; without those outside [0, 1],
/// degenerate, as dear as dense, or dense; in an order that depends on their names alone, so that
/// none is preferred when only some are tried.
std::vector<Structure> neighbours_of(const Structure& structure, int n);

}  // namespace einsearch
