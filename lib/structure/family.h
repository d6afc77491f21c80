// The well-known names for parts of the space.
#pragma once

#include <iosfwd>
#include <optional>

#include "base/types.h"
#include "structure/theta.h"

namespace einsearch {

enum class Family { dense, low_rank, kronecker, tt, monarch, btt, generic };

/// The first that matches, to 1e-9:
///   dense       alpha = delta = 1 or beta = epsilon = 1
///   low-rank    gamma = phi = 0, and alpha = epsilon = 1 or beta = delta = 1
///   kronecker   gamma = phi = rho = 0
///   tt          gamma = phi = 0
///   monarch     beta = delta = rho = 0, the rest 1/2
///   btt         beta = delta = 0
///   generic     everything else
Family family(const Theta& theta);

/// With an inner size fixed above 1 (btt:ranks=K), rho counts as above 0: btt, not monarch.
Family family(const Theta& theta, std::optional<Index> fixed_n_rho);

const char* to_string(Family family);
std::ostream& operator<<(std::ostream& out, Family family);

}  // namespace einsearch
