#include "fit/surface_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "fit/huber.h"
#include "fit/quantile.h"

using namespace einsearch;

namespace {

struct Truth {
  double e = 1.69, a = 406.4, b = 410.7, alpha = 0.34, beta = 0.28;

  double loss(double n, double d) const {
    return e + a * std::pow(n, -alpha) + b * std::pow(d, -beta);
  }
};

/// Nine sizes at each of six budgets, 1e17 to 1e22 FLOPs at 6 N D.
std::vector<SurfacePoint> iso_flop(const Truth& truth, double noise, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, 1);
  std::vector<SurfacePoint> points;
  for (int budget = 17; budget <= 22; ++budget) {
    for (int i = -4; i <= 4; ++i) {
      const double product = std::pow(10.0, budget) / 6;
      const double n = std::sqrt(product / 20) * std::pow(10.0, i / 8.0);
      const double d = product / n;
      const double loss = truth.loss(n, d) * std::exp(noise * normal(generator));
      points.push_back({n, d, loss, static_cast<Index>(points.size())});
    }
  }
  return points;
}

void check_law(const SurfaceLaw& law, const Truth& truth, double relative) {
  CHECK(law.irreducible_loss == doctest::Approx(truth.e).epsilon(relative));
  CHECK(law.a == doctest::Approx(truth.a).epsilon(relative));
  CHECK(law.b == doctest::Approx(truth.b).epsilon(relative));
  CHECK(law.alpha == doctest::Approx(truth.alpha).epsilon(relative));
  CHECK(law.beta == doctest::Approx(truth.beta).epsilon(relative));
}

}  // namespace

TEST_CASE("an exact surface comes back to a millionth, under either objective") {
  const Truth truth;
  for (const auto objective : {SurfaceObjective::log_huber, SurfaceObjective::raw_squares}) {
    const SurfaceLaw law = fit_surface(iso_flop(truth, 0, 0), {.objective = objective});
    CHECK(law.status == FitStatus::converged);
    check_law(law, truth, 1e-6);
  }
}

TEST_CASE("the optimum of a surface is where no other size is better, and its exponent says so") {
  const SurfaceLaw law = fit_surface(iso_flop({}, 0, 0));
  for (const double product : {1e16, 1e20}) {
    const double n = law.optimal_n(product);
    const double least = law.loss(n, product / n);
    for (const double step : {0.99, 1.01}) CHECK(law.loss(n * step, product / (n * step)) > least);
  }
  CHECK(std::log10(law.optimal_n(1e17) / law.optimal_n(1e16)) ==
        doctest::Approx(law.optimal_n_exponent()).epsilon(1e-9));
  CHECK(law.optimal_n_exponent() == doctest::Approx(0.28 / 0.62).epsilon(1e-6));
}

TEST_CASE("outliers hardly move a surface under Huber's objective") {
  std::vector<SurfacePoint> points = iso_flop({}, 0.001, 3);
  for (std::size_t i = 4; i < points.size(); i += 9) points[i].loss *= 1.3;
  check_law(fit_surface(points), {}, 0.1);
  const SurfaceLaw squares = fit_surface(points, {.objective = SurfaceObjective::raw_squares});
  CHECK(std::abs(squares.irreducible_loss / 1.69 - 1) > 0.02);
}

TEST_CASE("the units of N and D change A and B alone") {
  std::vector<SurfacePoint> points = iso_flop({}, 0.003, 5);
  const SurfaceLaw law = fit_surface(points);
  for (SurfacePoint& point : points) {
    point.n /= 1e6;
    point.d /= 1e9;
  }
  const SurfaceLaw other = fit_surface(points);
  CHECK(other.alpha == doctest::Approx(law.alpha).epsilon(1e-7));
  CHECK(other.irreducible_loss == doctest::Approx(law.irreducible_loss).epsilon(1e-7));
  CHECK(other.objective == doctest::Approx(law.objective).epsilon(1e-9));
  CHECK(other.a == doctest::Approx(law.a * std::pow(1e6, -law.alpha)).epsilon(1e-6));
}

TEST_CASE("a surface without irreducible loss ends at its bound and says so") {
  const Truth truth{.e = 0, .a = 10, .b = 10, .alpha = 0.2, .beta = 0.2};
  const SurfaceLaw law = fit_surface(iso_flop(truth, 0, 0));
  CHECK(law.status == FitStatus::bound_hit);
  CHECK(law.irreducible_loss == 0);
  CHECK(law.alpha == doctest::Approx(0.2).epsilon(1e-5));
}

TEST_CASE("five points, or two sizes, are too few for a surface") {
  std::vector<SurfacePoint> points = iso_flop({}, 0, 0);
  std::vector<SurfacePoint> five(points.begin(), points.begin() + 5);
  CHECK(fit_surface(five).status == FitStatus::too_few_points);
  for (SurfacePoint& point : points) point.n = point.n > 1e8 ? 2e8 : 1e8;
  CHECK(fit_surface(points).status == FitStatus::too_few_points);
}

TEST_CASE(
    "the bootstrap of a surface is the same for any number of threads, and covers the truth") {
  const std::vector<SurfacePoint> points = iso_flop({}, 0.002, 11);
  const SurfaceLaw law = fit_surface(points);
  const auto alphas = [&](int threads) {
    std::vector<double> values;
    for (const auto& replicate : bootstrap_surface(points, law, {}, 60, 0, Threads(threads))) {
      values.push_back(replicate.alpha);
    }
    return values;
  };
  const std::vector<double> one = alphas(1);
  CHECK(one == alphas(2));
  CHECK(percentile_interval(one, 0.99).contains(0.34));
}

TEST_CASE("Huber's objective is quadratic, then linear, without a jump or a kink") {
  CHECK(huber(0.5, 1) == 0.125);
  CHECK(huber(3, 1) == 2.5);
  CHECK(huber(-3, 1) == 2.5);
  CHECK(huber(1 + 1e-9, 1) - huber(1, 1) == doctest::Approx(1e-9).epsilon(1e-6));
  CHECK(huber_weight(0.5, 1) == 1);
  CHECK(huber_weight(-4, 1) == 0.25);
}

TEST_CASE("quantiles interpolate between order statistics") {
  const Interval interval = percentile_interval({5, 1, 4, 2, 3}, 0.5);
  CHECK(interval.low == 2);
  CHECK(interval.high == 4);
  CHECK(percentile_interval({0, 1}, 0.8).low == doctest::Approx(0.1));
  CHECK(std::isnan(percentile_interval({1, NAN, NAN}, 0.8).low));
}
