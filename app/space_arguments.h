// The space of a search as people type it.
#pragma once

#include <string>

#include "search/search_space.h"

namespace einsearch {

struct SpaceArguments {
  std::string space;   ///< "grid 1/4, omega<=0.5": a lattice, divisors, names or @files, conditions
  std::string prior;   ///< conditions on omega, psi, nu, or empty
  std::string design;  ///< "taxonomy:K", or empty
  Count seed = 0;
};

/// Throws Error that names the option.
SpaceRequest space_request(const SpaceArguments& arguments);

}  // namespace einsearch
