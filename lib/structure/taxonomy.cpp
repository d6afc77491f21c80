#include "structure/taxonomy.h"

#include <algorithm>
#include <ostream>

#include "structure/fraction.h"

namespace einsearch {

Taxonomy taxonomy(const Theta& t) {
  const double saved = std::max(std::min(t.alpha, t.epsilon), std::min(t.beta, t.delta));
  const double parameters_saved = std::min(t.alpha + t.delta, t.beta + t.epsilon);
  const double psi = std::min({1.0, 2 + t.rho - t.alpha - t.epsilon, 2 + t.rho - t.beta - t.delta});
  return {snap(parameters_saved - saved), snap(psi), snap(1 + t.rho - saved)};
}

std::ostream& operator<<(std::ostream& out, const Taxonomy& taxonomy) {
  return out << "omega " << taxonomy.omega << ", psi " << taxonomy.psi << ", nu " << taxonomy.nu;
}

}  // namespace einsearch
