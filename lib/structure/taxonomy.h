// Three numbers that place a structure (arXiv 2410.02117, section 3), for d_in = d_out = d:
//     parameters / FLOPs = d^-omega     0: every weight is used once per sample
//     rank               = d^psi        1: full
//     FLOPs              = d^(1 + nu)   1: as dear as dense
// The formulas hold for any theta in its cheaper order; the paper's are their canonical case.
#pragma once

#include <iosfwd>

#include "structure/theta.h"

namespace einsearch {

struct Taxonomy {
  double omega = 0;
  double psi = 1;
  double nu = 1;

  bool operator==(const Taxonomy&) const = default;
};

/// nu    = 1 + rho - max(min(alpha, epsilon), min(beta, delta))
/// psi   = min(1, 2 + rho - alpha - epsilon, 2 + rho - beta - delta)
/// omega = min(alpha + delta, beta + epsilon) - max(min(alpha, epsilon), min(beta, delta))
/// Values within 1e-9 of a fraction with a denominator up to 1000 are that fraction.
Taxonomy taxonomy(const Theta& theta);

std::ostream& operator<<(std::ostream& out, const Taxonomy& taxonomy);

}  // namespace einsearch
