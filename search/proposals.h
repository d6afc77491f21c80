// Where a search that follows a surrogate looks next: places of the continuous space from which the
// process expects the largest improvement on the best so far.
#pragma once

#include <cstdint>
#include <vector>

#include "base/types.h"
#include "structure/structure.h"

namespace einsearch {

/// A structure that has been trained, and the log of its compute multiplier over dense.
struct KnownStructure {
  Structure structure;
  double log_multiplier = 0;
  double deviation = 0;
};

struct Proposal {
  Structure structure;
  std::size_t nearest = 0;  ///< of the known, by the surrogate's kernel
};

struct Proposals {
  std::vector<Proposal> list;  ///< the most promising first
  double leave_one_out_error = kMissing;
  double spread = kMissing;  ///< deviation of the known values: what their mean would err by
};

/// At most `most` structures out of 2,000 drawn from the lattice 1/60, each chosen as if those
/// before it had turned out as predicted. Equal arguments give equal proposals.
Proposals propose(const std::vector<KnownStructure>& known,
                  std::size_t most,
                  std::uint64_t seed,
                  int round);

}  // namespace einsearch
