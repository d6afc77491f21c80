// What a user names: theta, or one of the names that stand for it.
#pragma once

#include <optional>
#include <string>

#include "base/types.h"
#include "structure/family.h"
#include "structure/theta.h"

namespace einsearch {

struct Structure {
  std::string name;  ///< parse_structure(name) gives this structure back
  Theta theta;
  std::optional<Index> n_rho = std::nullopt;  ///< fixes the inner size (btt:ranks=K), else d^rho
  bool is_dense = false;                      ///< one plain d_in x d_out matrix, no factors

  bool operator==(const Structure&) const = default;
};

inline Family family(const Structure& structure) {
  return family(structure.theta, structure.n_rho);
}

}  // namespace einsearch
