#include "search/representatives.h"

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "structure/candidate.h"
#include "structure/lattice.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

/// A family, with block tensor-trains of rank 1 and above apart.
using Kind = std::pair<Family, bool>;

Kind kind_of(const Theta& theta) {
  return {family(theta), family(theta) == Family::btt && theta.rho > 0};
}

/// Smaller is preferred.
using Preference = std::tuple<double, double, double, double>;

Preference preference(const Theta& theta) {
  const Taxonomy place = taxonomy(theta);
  const double asymmetry = std::abs(theta.alpha - theta.epsilon) +
                           std::abs(theta.beta - theta.delta) + std::abs(theta.gamma - theta.phi);
  return {-place.psi, asymmetry, place.nu, place.omega};
}

}  // namespace

ProgramKey program_key(const LayerShape& up, const LayerShape& down) {
  ProgramKey key{};
  std::size_t next = 0;
  for (const LayerShape& shape : {up, down}) {
    const Sizes& n = shape.sizes;
    for (const Index size :
         {n.n_alpha, n.n_beta, n.n_gamma, n.n_delta, n.n_epsilon, n.n_phi, n.n_rho})
      key[next++] = size;
    key[next++] = shape.order == Order::a_first ? 0 : 1;
  }
  return key;
}

Structure with_familiar_name(const Structure& structure) {
  if (structure.n_rho) return structure;
  const std::string rho = exponent_text(structure.theta.rho);
  for (const std::string& name : {std::string("dense"),
                                  std::string("kronecker"),
                                  std::string("monarch"),
                                  "low-rank:" + rho,
                                  "tt:" + rho,
                                  "btt:rank=" + rho}) {
    const Structure named = parse_structure(name);
    if (named.theta == structure.theta && named.is_dense == structure.is_dense) return named;
  }
  return structure;
}

Representatives choose_representatives(int n, Index width, const ResolveOptions& resolve) {
  Representatives result;
  Census& census = result.census;
  const WidthResolver up(width, 4 * width, resolve), down(4 * width, width, resolve);
  std::set<ProgramKey> programs;
  struct Choice {
    Preference preference;
    Structure structure;
  };
  std::map<Kind, Choice> chosen;
  for (const SidePoint& input : side_points(n)) {
    for (const SidePoint& output : side_points(n)) {
      for (int rho = 0; rho <= n; ++rho) {
        ++census.points;
        const Theta theta = theta_of({input, output, rho}, n);
        if (!is_canonical(input, output)) {
          ++census.redundant;
          continue;
        }
        if (rho > largest_rho(input, output)) {
          ++census.degenerate;
          continue;
        }
        const Structure structure = structure_of(theta);
        const auto wide = up(structure), narrow = down(structure);
        if (!wide || !narrow) {
          ++census.invalid;
          continue;
        }
        if (!programs.insert(program_key(wide->shape, narrow->shape)).second) {
          ++census.repeated;
          continue;
        }
        ++census.candidates;
        const Kind kind = kind_of(theta);
        const bool is_as_dear_as_dense = taxonomy(theta).nu > 1 - 1e-9;
        if (is_as_dear_as_dense || kind.first == Family::dense) continue;
        const Preference rank = preference(theta);
        const auto known = chosen.find(kind);
        if (known == chosen.end() || rank < known->second.preference)
          chosen[kind] = {rank, structure};
      }
    }
  }
  result.structures.push_back(parse_structure("dense"));
  for (const auto& [kind, choice] : chosen)
    result.structures.push_back(with_familiar_name(choice.structure));
  return result;
}

}  // namespace einsearch
