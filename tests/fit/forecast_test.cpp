// Forecasts and their scores; what the taxonomy explains.
#include "fit/forecast.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "fit/planted.h"
#include "fit/taxonomy_effect.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

const std::vector<Count> kSmall = {64, 96, 144, 216};
const std::vector<Count> kLarge = {324, 486};

std::vector<Curve> world(const std::vector<Count>& widths, std::uint64_t seed) {
  return joined(planted_curves({.widths = widths, .noise = 0.003, .noise_seed = seed}),
                planted_curves({.structure = "btt",
                                .widths = widths,
                                .noise = 0.003,
                                .noise_seed = seed + 50,
                                .cost = 0.6}));
}

Forecast forecast_of(const std::vector<Curve>& curves, double target) {
  RankingOptions options;
  options.target_compute = target;
  options.may_extrapolate = true;
  options.irreducible = Irreducible::zero;
  options.bootstrap.n_replicates = 100;
  return make_forecast(rank_structures(curves, options));
}

TaxonomyPoint point(double omega, double psi, double nu, double log_multiplier) {
  return {{.omega = omega, .psi = psi, .nu = nu}, log_multiplier, 0.01};
}

}  // namespace

TEST_CASE("a forecast from small widths contains what larger widths reach, and orders them") {
  int inside = 0, scored = 0, right = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const double target = 1e12;
    const Forecast forecast = forecast_of(world(kSmall, seed), target);
    REQUIRE(forecast.pairs.size() == 1);
    const ForecastScore score = score_forecast(forecast, world(kLarge, seed + 100));
    for (const StructureScore& row : score.rows) {
      scored += row.is_scored() ? 1 : 0;
      inside += row.is_inside_95 ? 1 : 0;
    }
    right += static_cast<int>(score.n_pairs_right);
    CHECK(score.pair_log_score <= 0);
  }
  CHECK(scored == 20);
  CHECK(inside >= 16);
  CHECK(right == 10);
}

TEST_CASE("structures whose runs do not reach the target are not scored") {
  const Forecast forecast = forecast_of(world(kSmall, 1), 1e12);
  CHECK_THROWS_AS(score_forecast(forecast, world({64}, 2)), Error);
  const ForecastScore score =
      score_forecast(forecast, joined(planted_curves({.widths = kLarge}), world({64}, 3)));
  CHECK(score.n_scored == 1);
  CHECK(score.n_pairs == 0);
}

TEST_CASE("the digest of data knows every loss but not the order of curves") {
  std::vector<Curve> curves = world(kSmall, 1);
  const std::string digest = digest_of(curves);
  std::reverse(curves.begin(), curves.end());
  CHECK(digest_of(curves) == digest);
  curves[0].points[5].loss *= 1 + 1e-15;
  CHECK(digest_of(curves) != digest);
}

TEST_CASE("planted effects of the taxonomy come back inside their intervals") {
  std::mt19937_64 generator(3);
  std::normal_distribution<double> normal(0, 0.02);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<TaxonomyPoint> points;
  for (int i = 0; i < 40; ++i) {
    const double omega = uniform(generator), psi = uniform(generator), nu = uniform(generator);
    points.push_back(point(omega, psi, nu, 0.1 - 0.8 * omega + 0.5 * psi + normal(generator)));
  }
  const TaxonomyEffect effect = explain_by_taxonomy(points);
  const std::vector<double> truth = {0.1, -0.8, 0.5, 0};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    CHECK(effect.coefficients[i].low <= truth[i]);
    CHECK(effect.coefficients[i].high >= truth[i]);
  }
  CHECK(effect.r_squared > 0.98);
  CHECK(effect.pure_degrees == 0);
  CHECK(std::isnan(effect.lack_of_fit_p));
}

TEST_CASE("repeated structures tell lack of fit from noise") {
  std::mt19937_64 generator(4);
  std::normal_distribution<double> normal(0, 0.01);
  for (const double bend : {0.0, 1.0}) {
    CAPTURE(bend);
    std::vector<TaxonomyPoint> points;
    for (int i = 0; i < 12; ++i) {
      const double omega = 0.25 * (i % 4), nu = 0.5 * (i % 3);
      for (int twin = 0; twin < 2; ++twin) {
        points.push_back(point(omega, 1, nu, -omega + bend * omega * omega + normal(generator)));
      }
    }
    const TaxonomyEffect effect = explain_by_taxonomy(points);
    CHECK(std::isnan(effect.coefficients[2].value));  // psi does not vary
    CHECK(effect.pure_degrees == 12);
    CHECK(effect.pure_deviation == doctest::Approx(0.01).epsilon(0.5));
    CHECK((effect.lack_of_fit_p < 0.001) == (bend > 0));
  }
}

TEST_CASE("two structures are too few to explain") {
  CHECK_THROWS_AS(explain_by_taxonomy(std::vector{point(0, 1, 1, 0), point(0, 1, 0.5, 1)}), Error);
}
