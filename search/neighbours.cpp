#include "search/neighbours.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/digest.h"
#include "structure/notation.h"
#include "structure/taxonomy.h"

namespace einsearch {
namespace {

constexpr double kSlack = 1e-9;

/// Sums of thirds and quarters leave dust; the fraction of 1/(2n) that an exponent is has none.
double tidy(double exponent, double step) {
  const double steps = exponent / step;
  const double whole = std::round(steps);
  return std::abs(steps - whole) < 1e-6 ? whole * step : exponent;
}

bool is_worth_trying(const Theta& theta) {
  for (const double exponent : theta.exponents()) {
    if (exponent < -kSlack || exponent > 1 + kSlack) return false;
  }
  return !is_degenerate(theta) && taxonomy(theta).nu < 1 - kSlack && family(theta) != Family::dense;
}

}  // namespace

std::vector<Structure> neighbours_of(const Structure& structure, int n) {
  const double step = 1.0 / n;
  std::vector<Theta> moved;
  const std::array<double, 7> from = structure.theta.exponents();
  const auto offer = [&](std::array<double, 7> to) {
    for (double& exponent : to) exponent = tidy(exponent, step);
    moved.push_back({to[0], to[1], to[2], to[3], to[4], to[5], to[6]});
  };
  for (const std::size_t side : {std::size_t{0}, std::size_t{3}}) {
    for (std::size_t a = side; a < side + 3; ++a) {
      for (std::size_t b = side; b < side + 3; ++b) {
        if (a == b) continue;
        std::array<double, 7> to = from;
        to[a] -= step;
        to[b] += step;
        offer(to);
      }
    }
  }
  for (const double change : {-step, step}) {
    std::array<double, 7> to = from;
    to[6] += change;
    offer(to);
  }
  std::vector<Structure> neighbours;
  for (const Theta& theta : moved) {
    if (!is_worth_trying(theta)) continue;
    const Structure neighbour = with_familiar_name(structure_of(canonical(theta)));
    if (std::find(neighbours.begin(), neighbours.end(), neighbour) == neighbours.end())
      neighbours.push_back(neighbour);
  }
  std::sort(neighbours.begin(), neighbours.end(), [](const Structure& a, const Structure& b) {
    return digest(a.name) < digest(b.name);
  });
  return neighbours;
}

}  // namespace einsearch
