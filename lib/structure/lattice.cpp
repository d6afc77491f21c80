#include "structure/lattice.h"

#include <algorithm>

namespace einsearch {
namespace {

double over(int numerator, int n) {
  return static_cast<double>(numerator) / static_cast<double>(n);
}

}  // namespace

std::vector<SidePoint> side_points(int n) {
  std::vector<SidePoint> points;
  for (int a = 0; a <= n; ++a) {
    for (int b = 0; b <= n - a; ++b) points.push_back({a, b, n - a - b});
  }
  return points;
}

bool is_canonical(const SidePoint& input, const SidePoint& output) {
  const auto [alpha, beta, gamma] = input;
  const auto [delta, epsilon, phi] = output;
  const int kept_by_a = std::min(alpha, epsilon);
  const int kept_by_b = std::min(beta, delta);
  if (kept_by_a != kept_by_b) return kept_by_a > kept_by_b;
  return alpha != beta ? alpha < beta : delta >= epsilon;
}

int largest_rho(const SidePoint& input, const SidePoint& output) {
  return std::max(std::min(input[0], output[1]), std::min(input[1], output[0]));
}

Theta theta_of(const LatticePoint& point, int n) {
  return {over(point.input[0], n),
          over(point.input[1], n),
          over(point.input[2], n),
          over(point.output[0], n),
          over(point.output[1], n),
          over(point.output[2], n),
          over(point.rho, n)};
}

Taxonomy taxonomy_of(const LatticePoint& point, int n) {
  const auto [alpha, beta, gamma] = point.input;
  const auto [delta, epsilon, phi] = point.output;
  const int saved = largest_rho(point.input, point.output);
  const int psi =
      std::min({n, 2 * n + point.rho - alpha - epsilon, 2 * n + point.rho - beta - delta});
  return {over(std::min(alpha + delta, beta + epsilon) - saved, n),
          over(psi, n),
          over(n + point.rho - saved, n)};
}

bool is_dense(const LatticePoint& point, int n) {
  const bool is_b = point.input[1] == n && point.output[1] == n;
  const bool is_a = point.input[0] == n && point.output[0] == n;
  return point.rho == 0 && (is_a || is_b);
}

LatticeCounts lattice_counts(int n) {
  const Count points = Count{n + 2} * (n + 1) / 2;
  const Count half = n / 2 + 1;
  LatticeCounts counts{points * points * (n + 1), half * half * (n + 1), 0};
  counts.canonical = (counts.all + counts.fixed) / 2;
  return counts;
}

}  // namespace einsearch
