#include "structure/theta.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "base/error.h"
#include "structure/fraction.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr double kSumTolerance = 0.01;
constexpr Count kSimpleDenominator = 12;

/// "did you mean 1/3|1/3|1/3?" where the nearest simple fractions do add to 1.
std::string fraction_hint(const std::array<double, 3>& side) {
  std::string text;
  double sum = 0;
  for (const double x : side) {
    const Fraction fraction = nearest_fraction(x, kSimpleDenominator);
    if (std::abs(fraction.value() - x) >= kSumTolerance) return "";
    sum += fraction.value();
    if (!text.empty()) text += '|';
    text += to_string(fraction);
  }
  if (std::abs(sum - 1) > kExponentTolerance) return "";
  return "did you mean the fractions " + text + "?";
}

void validate_side(const std::string& names, const std::array<double, 3>& side) {
  const double sum = side[0] + side[1] + side[2];
  if (std::abs(sum - 1) < kSumTolerance) return;
  throw Error("exponents do not add to 1",
              {.where = names,
               .expected = "a sum of 1",
               .got = fmt::format("{:.6g}", sum),
               .hint = fraction_hint(side)});
}

}  // namespace

void validate(const Theta& theta) {
  constexpr std::array<const char*, 7> kNames = {
      "alpha", "beta", "gamma", "delta", "epsilon", "phi", "rho"};
  const std::array<double, 7> exponents = theta.exponents();
  for (std::size_t i = 0; i < exponents.size(); ++i) {
    const bool is_inside = exponents[i] >= 0 && exponents[i] <= 1;  // false for NaN
    if (!is_inside) {
      throw Error("exponent out of range",
                  {.where = kNames[i],
                   .expected = "a number in [0, 1]",
                   .got = fmt::format("{}", exponents[i])});
    }
  }
  validate_side("alpha + beta + gamma", theta.input());
  validate_side("delta + epsilon + phi", theta.output());
}

Theta exchange_factors(const Theta& theta) {
  Theta exchanged = theta;
  std::swap(exchanged.alpha, exchanged.beta);
  std::swap(exchanged.delta, exchanged.epsilon);
  return exchanged;
}

bool is_canonical(const Theta& theta) {
  const double kept_by_a = std::min(theta.alpha, theta.epsilon);
  const double kept_by_b = std::min(theta.beta, theta.delta);
  if (std::abs(kept_by_a - kept_by_b) > kExponentTolerance) return kept_by_a > kept_by_b;
  if (std::abs(theta.alpha - theta.beta) > kExponentTolerance) return theta.alpha < theta.beta;
  return theta.delta >= theta.epsilon - kExponentTolerance;
}

Theta canonical(const Theta& theta) {
  return is_canonical(theta) ? theta : exchange_factors(theta);
}

bool is_degenerate(const Theta& theta) {
  const double saved =
      std::max(std::min(theta.alpha, theta.epsilon), std::min(theta.beta, theta.delta));
  return theta.rho > saved + kExponentTolerance;
}

Theta transpose(const Theta& theta) {
  return {theta.delta, theta.epsilon, theta.phi, theta.alpha, theta.beta, theta.gamma, theta.rho};
}

std::ostream& operator<<(std::ostream& out, const Theta& theta) { return out << to_string(theta); }

}  // namespace einsearch
