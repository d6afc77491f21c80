#include "fit/surrogate.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "structure/lattice.h"
#include "structure/taxonomy.h"

using namespace einsearch;

namespace {

/// A smooth function of theta that does not change when the factors are exchanged.
double truth(const Theta& theta) {
  const Taxonomy t = taxonomy(theta);
  return std::sin(3 * t.nu) - t.omega + 0.5 * theta.alpha * theta.epsilon +
         0.5 * theta.beta * theta.delta;
}

/// Canonical points of the lattice 1/n, every `step`-th, with noise of a deviation.
std::vector<SurrogatePoint> points_of_lattice(int n, std::size_t step, double deviation) {
  std::vector<SurrogatePoint> points;
  const RandomStream noise(0, StreamId::bootstrap);
  std::size_t number = 0;
  for (const SidePoint& input : side_points(n)) {
    for (const SidePoint& output : side_points(n)) {
      for (int rho = 0; rho <= largest_rho(input, output); ++rho) {
        if (!is_canonical(input, output) || number++ % step != 0) continue;
        const Theta theta = theta_of({input, output, rho}, n);
        points.push_back({theta, truth(theta) + deviation * noise.normal(number), deviation});
      }
    }
  }
  return points;
}

}  // namespace

TEST_CASE("a surrogate goes through exact values and predicts a smooth truth between them") {
  const std::vector<SurrogatePoint> points = points_of_lattice(4, 2, 0);
  const Surrogate surrogate(points);
  for (const SurrogatePoint& point : points) {
    const Surrogate::Guess guess = surrogate.at(point.theta);
    CHECK(guess.mean == doctest::Approx(point.value).epsilon(1e-4));
  }
  double squares = 0, standard = 0, n = 0;
  for (const SurrogatePoint& other : points_of_lattice(6, 7, 0)) {
    const Surrogate::Guess guess = surrogate.at(other.theta);
    squares += std::pow(guess.mean - other.value, 2);
    standard += std::pow(other.value, 2);
    n += 1;
  }
  CHECK(n > 50);
  CHECK(std::sqrt(squares / n) < 0.1 * surrogate.spread());
  CHECK(surrogate.leave_one_out_error() < 0.1 * surrogate.spread());
}

TEST_CASE("a surrogate does not know which factor is called A") {
  const Surrogate surrogate(points_of_lattice(3, 1, 0.05));
  for (const SurrogatePoint& point : points_of_lattice(5, 11, 0)) {
    const Theta other = exchange_factors(point.theta);
    CHECK(surrogate.at(point.theta).mean ==
          doctest::Approx(surrogate.at(other).mean).epsilon(1e-9));
    CHECK(surrogate.at(point.theta).deviation ==
          doctest::Approx(surrogate.at(other).deviation).epsilon(1e-6));
  }
}

TEST_CASE("where values are noise a surrogate predicts no better than their mean") {
  std::vector<SurrogatePoint> points = points_of_lattice(3, 1, 0);
  const RandomStream noise(1, StreamId::bootstrap);
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i] = {points[i].theta, noise.normal(i), 0.1};
  const Surrogate surrogate(points);
  CHECK(surrogate.leave_one_out_error() > 0.8 * surrogate.spread());
}

TEST_CASE("intervals of a surrogate hold the truth, and a new value narrows them") {
  const Surrogate surrogate(points_of_lattice(4, 4, 0.05));
  int inside = 0, all = 0;
  for (const SurrogatePoint& other : points_of_lattice(6, 5, 0)) {
    const Surrogate::Guess guess = surrogate.at(other.theta);
    inside += std::abs(guess.mean - other.value) < 2.5 * guess.deviation ? 1 : 0;
    ++all;
  }
  CHECK(inside > 0.9 * all);
  const Theta somewhere = theta_of({{3, 2, 2}, {1, 3, 3}, 1}, 7);
  const Surrogate::Guess before = surrogate.at(somewhere);
  const Surrogate after = surrogate.with({somewhere, before.mean, 0.01});
  CHECK(after.at(somewhere).deviation < before.deviation);
  CHECK(after.at(somewhere).mean == doctest::Approx(before.mean));
}

TEST_CASE("expected improvement is what it says") {
  CHECK(expected_improvement({2, 0}, 1) == 1);
  CHECK(expected_improvement({0, 0}, 1) == 0);
  CHECK(expected_improvement({0, 1}, 0) == doctest::Approx(0.3989422804));
  // Against the mean of max(0, x - best) over quantiles of the normal distribution.
  const RandomStream normal(2, StreamId::bootstrap);
  double sum = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i)
    sum += std::max(0.0, 0.3 + 0.5 * normal.normal(static_cast<std::uint64_t>(i)) - 0.6);
  CHECK(expected_improvement({0.3, 0.5}, 0.6) == doctest::Approx(sum / kDraws).epsilon(0.02));
}

TEST_CASE("too few points, or one that is not finite, are refused") {
  CHECK_THROWS_AS(Surrogate(points_of_lattice(3, 40, 0)), Error);
  std::vector<SurrogatePoint> points = points_of_lattice(3, 1, 0);
  points[3].value = kMissing;
  CHECK_THROWS_AS(Surrogate{points}, Error);
}
