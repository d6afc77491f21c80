// From a lattice to a handful of structures that span the taxonomy: one for each family.
#pragma once

#include <array>
#include <vector>

#include "structure/layer_shape.h"
#include "structure/structure.h"

namespace einsearch {

/// What became of the points of a lattice.
struct Census {
  Count points = 0;      ///< of the lattice
  Count redundant = 0;   ///< the same matrices as another point
  Count degenerate = 0;  ///< dearer than dense, which contains them
  Count invalid = 0;     ///< no integer sizes near theta
  Count repeated = 0;    ///< the same sizes, hence the same program, as another point
  Count candidates = 0;  ///< what remains
};

struct Representatives {
  Census census;
  std::vector<Structure> structures;  ///< dense first
};

/// Dense, and one candidate of the lattice 1/n for each of low-rank, kronecker, tt, monarch, btt
/// with rho = 0, btt with rho > 0 and generic. Of a family, cheaper than dense (nu < 1): the
/// largest psi; then equal exponents for inputs and outputs; then the smallest nu, the smallest
/// omega, the first of the lattice. Sizes are judged at the layers d -> 4d and 4d -> d of a model
/// of width `width`.
Representatives choose_representatives(int n, Index width, const ResolveOptions& resolve);

/// Sizes and orders of both layers of a block: what the machine would run.
using ProgramKey = std::array<Index, 16>;
ProgramKey program_key(const LayerShape& up, const LayerShape& down);

/// The short name of a structure whose theta is one of the named ones (monarch, low-rank:1/2), else
/// theta itself; one that fixes its inner size keeps its name.
Structure with_familiar_name(const Structure& structure);

}  // namespace einsearch
