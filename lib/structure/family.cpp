#include "structure/family.h"

#include <array>
#include <cmath>
#include <initializer_list>
#include <ostream>

namespace einsearch {
namespace {

bool are_all(std::initializer_list<double> exponents, double value) {
  for (const double x : exponents) {
    if (std::abs(x - value) > kExponentTolerance) return false;
  }
  return true;
}

}  // namespace

Family family(const Theta& t) {
  if (are_all({t.alpha, t.delta}, 1) || are_all({t.beta, t.epsilon}, 1)) return Family::dense;
  const bool has_no_shared_axis = are_all({t.gamma, t.phi}, 0);
  const bool is_low_rank = are_all({t.alpha, t.epsilon}, 1) || are_all({t.beta, t.delta}, 1);
  if (has_no_shared_axis && is_low_rank) return Family::low_rank;
  if (has_no_shared_axis) return are_all({t.rho}, 0) ? Family::kronecker : Family::tt;
  const bool is_btt = are_all({t.beta, t.delta}, 0);
  const bool is_monarch = are_all({t.rho}, 0) && are_all({t.alpha, t.gamma, t.epsilon, t.phi}, 0.5);
  if (is_btt) return is_monarch ? Family::monarch : Family::btt;
  return Family::generic;
}

Family family(const Theta& theta, std::optional<Index> fixed_n_rho) {
  const bool has_inner_axis = fixed_n_rho && *fixed_n_rho > 1;
  const Family named = family(theta);
  if (has_inner_axis && named == Family::monarch) return Family::btt;
  if (has_inner_axis && named == Family::kronecker) return Family::tt;
  return named;
}

const char* to_string(Family family) {
  constexpr std::array<const char*, 7> kNames = {
      "dense", "low-rank", "kronecker", "tt", "monarch", "btt", "generic"};
  return kNames[static_cast<std::size_t>(family)];
}

std::ostream& operator<<(std::ostream& out, Family family) { return out << to_string(family); }

}  // namespace einsearch
