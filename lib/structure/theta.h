// The exponents of a two-factor einsum: where each axis of the layer goes, as a power of its width.
//
//     z[f,d,r,g,b] = sum_a       A[f,d,r,g,a] x[g,b,a]
//     y[f,e,d]     = sum_{r,g,b} B[f,e,r,g,b] z[f,d,r,g,b]
//
// The input axis splits into alpha (seen by A alone), beta (by B alone) and gamma (by both), the
// output axis into delta (made by A alone), epsilon (by B alone) and phi (by both); rho is the
// inner axis that joins the factors. Exponents add to 1 on either side: sizes are d_in^alpha ...
// d_out^phi, and min(d_in, d_out)^rho. Source: arXiv 2410.02117, section 3.
#pragma once

#include <array>
#include <iosfwd>

namespace einsearch {

/// Exponents closer than this are the same exponent.
inline constexpr double kExponentTolerance = 1e-9;

struct Theta {
  double alpha = 0;
  double beta = 0;
  double gamma = 0;
  double delta = 0;
  double epsilon = 0;
  double phi = 0;
  double rho = 0;

  bool operator==(const Theta&) const = default;

  /// In the order above.
  std::array<double, 7> exponents() const { return {alpha, beta, gamma, delta, epsilon, phi, rho}; }
  std::array<double, 3> input() const { return {alpha, beta, gamma}; }
  std::array<double, 3> output() const { return {delta, epsilon, phi}; }
};

/// Throws Error unless every exponent is in [0, 1] and both sides add to 1 within 0.01 (the rule of
/// the published code); sums are never renormalised.
void validate(const Theta& theta);

/// The same set of matrices, up to a fixed permutation of features, with A and B in each other's
/// place.
Theta exchange_factors(const Theta& theta);

/// Of theta and its exchange exactly one is canonical (or they are equal): min(alpha, epsilon) >=
/// min(beta, delta); on a tie alpha <= beta, then delta >= epsilon.
bool is_canonical(const Theta& theta);
Theta canonical(const Theta& theta);

/// rho > max(min(alpha, epsilon), min(beta, delta)): dearer than a dense layer, which contains it.
bool is_degenerate(const Theta& theta);

/// Input and output exchanged: the same omega, psi and nu, but other matrices.
Theta transpose(const Theta& theta);

/// (0.5|0|0.5|0|0.5|0.5|0); parses back to the same theta, see exponent_text().
std::ostream& operator<<(std::ostream& out, const Theta& theta);

}  // namespace einsearch
