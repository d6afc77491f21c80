// Which structures a search begins with.
//
//   a lattice, the divisors of a width, or names
//     -> free pruning: redundant, degenerate, filtered, invalid, the same program as another
//     -> an optional prior, of whose victims a random tenth stays as a control
//     -> an optional design: a few candidates that keep omega, psi and nu apart
//
// Sizes are judged at the layers d -> 4d and 4d -> d of a model of a proxy's width, and filters at
// the former. Everything is a function of the request alone.
#pragma once

#include <string>
#include <vector>

#include "search/filter.h"
#include "structure/layer_shape.h"
#include "structure/structure.h"

namespace einsearch {

struct SpaceRequest {
  enum class Kind { grid, divisors, names };
  Kind kind = Kind::grid;
  int n = 4;                          ///< of the grid 1/n
  std::vector<Structure> structures;  ///< of kind names
  std::vector<Filter> filters;        ///< all must hold
  std::vector<Filter> prior;          ///< all must hold, but for the control
  Count design = 0;                   ///< candidates wanted; 0: all
  std::uint64_t seed = 0;             ///< of the control
};

/// What one step of pruning has removed.
struct SpaceStep {
  std::string name;
  Count removed = 0;
};

struct SpaceMember {
  Structure structure;
  bool is_control = false;  ///< the prior would have removed it
};

struct SearchSpace {
  Count points = 0;                  ///< before pruning, dense left out
  std::vector<SpaceStep> steps;      ///< in order, those that removed nothing too
  std::vector<SpaceMember> members;  ///< without dense
};

/// Throws Error that says what pruned it where nothing is left.
SearchSpace make_search_space(const SpaceRequest& request,
                              Index width,
                              const ResolveOptions& resolve);

/// "1125 points: 878 redundant, 12 by omega<=0.5, ...": the steps that removed something.
std::string describe_steps(const SearchSpace& space);

/// `count` of the candidates, one for each distinct (omega, psi, nu) as far apart as they go, three
/// quarters of them; the rest are second theta at points that have one. In the order of `members`.
std::vector<SpaceMember> taxonomy_design(const std::vector<SpaceMember>& members, Count count);

}  // namespace einsearch
