// Laws that share their irreducible loss, and the choice between kinds of it.
#include "fit/joint_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "fit/planted.h"
#include "fit/ranking.h"
#include "fit/rollout.h"

using namespace einsearch;

namespace {

struct Law {
  double prefactor, exponent;
};

/// Points exactly on offset + prefactor C^-exponent, or off it by a factor of log deviation
/// `noise`.
Frontier frontier_of(const Law& law, double offset, double noise = 0, std::uint64_t seed = 0) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, 1);
  Frontier frontier;
  frontier.n_widths = 5;
  for (int i = 0; i < 30; ++i) {
    const double compute = 1e9 * std::exp(0.3 * i);
    const double loss = offset + law.prefactor * std::pow(compute, -law.exponent);
    frontier.points.push_back({compute, loss * std::exp(noise * normal(generator)), 0, 64});
  }
  return frontier;
}

std::vector<const Frontier*> pointers(const std::vector<Frontier>& frontiers) {
  std::vector<const Frontier*> result;
  for (const Frontier& frontier : frontiers) result.push_back(&frontier);
  return result;
}

const std::vector<Law> kLaws = {{4, 0.15}, {6, 0.17}, {3, 0.12}};

std::vector<Frontier> planted(double offset, double noise = 0) {
  std::vector<Frontier> frontiers;
  for (std::size_t s = 0; s < kLaws.size(); ++s) {
    frontiers.push_back(frontier_of(kLaws[s], offset, noise, s));
  }
  return frontiers;
}

}  // namespace

TEST_CASE("without noise a shared irreducible loss and every law come back to nine digits") {
  for (const double offset : {0.02, 0.1, 1.69}) {
    CAPTURE(offset);
    const auto frontiers = planted(offset);
    const JointFit fit = fit_joint(pointers(frontiers));
    CHECK(fit.status == FitStatus::converged);
    CHECK(fit.offset == doctest::Approx(offset).epsilon(1e-9));
    CHECK(fit.restart_gap == 0);
    for (std::size_t s = 0; s < kLaws.size(); ++s) {
      CHECK(fit.laws[s].exponent == doctest::Approx(kLaws[s].exponent).epsilon(1e-8));
      CHECK(fit.laws[s].loss(1e12) ==
            doctest::Approx(offset + kLaws[s].prefactor * std::pow(1e12, -kLaws[s].exponent))
                .epsilon(1e-9));
    }
  }
}

TEST_CASE("an irreducible loss that is not there ends at its bound and says so") {
  std::vector<Frontier> frontiers;
  for (const Law& law : kLaws) {
    Frontier frontier = frontier_of(law, 0);
    // Concave in logarithms: the losses fall ever faster.
    for (FrontierPoint& point : frontier.points) {
      point.loss *= std::exp(-0.002 * std::pow(std::log(point.compute / 1e9), 2));
    }
    frontiers.push_back(std::move(frontier));
  }
  const JointFit fit = fit_joint(pointers(frontiers));
  CHECK(fit.status == FitStatus::bound_hit);
  CHECK(fit.offset == 0);
}

TEST_CASE("noise without curvature is called that") {
  const auto frontiers = planted(0, 0.02);
  const JointFit fit = fit_joint(pointers(frontiers));
  CHECK((fit.status == FitStatus::no_curvature || fit.status == FitStatus::bound_hit));
}

TEST_CASE("one point in ten off by half moves the robust fit little") {
  auto frontiers = planted(0.1, 1e-4);
  for (Frontier& frontier : frontiers) {
    for (std::size_t i = 0; i < frontier.points.size(); i += 10) frontier.points[i].loss *= 1.5;
  }
  const JointFit fit = fit_joint(pointers(frontiers));
  CHECK(fit.offset == doctest::Approx(0.1).epsilon(0.02));
  for (std::size_t s = 0; s < kLaws.size(); ++s) {
    CHECK(fit.laws[s].exponent == doctest::Approx(kLaws[s].exponent).epsilon(0.02));
  }
}

TEST_CASE("an irreducible loss of each structure's own follows each") {
  std::vector<Frontier> frontiers;
  const std::vector<double> offsets = {0.05, 0.1, 0.2};
  for (std::size_t s = 0; s < offsets.size(); ++s) {
    frontiers.push_back(frontier_of(kLaws[s], offsets[s]));
  }
  const JointFit fit = fit_laws(pointers(frontiers), Irreducible::own);
  for (std::size_t s = 0; s < offsets.size(); ++s) {
    CHECK(fit.laws[s].offset == doctest::Approx(offsets[s]).epsilon(1e-8));
    CHECK(fit.laws[s].exponent == doctest::Approx(kLaws[s].exponent).epsilon(1e-7));
  }
}

TEST_CASE("with E given or zero the law is a straight line") {
  const auto frontiers = planted(0.1);
  CHECK(fit_laws(pointers(frontiers), Irreducible::zero).offset == 0);
  const JointFit given = fit_laws(pointers(frontiers), Irreducible::given, 0.1);
  CHECK(given.offset == 0.1);
  CHECK(given.laws[0].exponent == doctest::Approx(0.15).epsilon(1e-9));
}

TEST_CASE("a refit from an earlier fit ends where a fresh fit does") {
  const auto frontiers = planted(0.1, 0.003);
  const JointFit fresh = fit_joint(pointers(frontiers));
  const auto near = planted(0.1001, 0.003);
  JointFit start = fit_joint(pointers(near));
  start.huber_delta = fresh.huber_delta;
  const JointFit again = refit_joint(pointers(frontiers), start, true);
  CHECK(again.offset == doctest::Approx(fresh.offset).epsilon(1e-6));
  CHECK(again.objective == doctest::Approx(fresh.objective).epsilon(1e-9));
}

TEST_CASE("frontiers without two computes have no law and harm no other") {
  auto frontiers = planted(0.1);
  frontiers.emplace_back();
  Frontier single;
  single.points.push_back({1e9, 0.3, 0, 64});
  frontiers.push_back(single);
  const JointFit fit = fit_joint(pointers(frontiers));
  CHECK(fit.offset == doctest::Approx(0.1).epsilon(1e-9));
  CHECK(fit.laws[3].status == FitStatus::too_few_points);
  CHECK(fit.laws[4].status == FitStatus::too_few_points);
}

TEST_CASE("roll-out finds an irreducible loss where there is one, and none where there is none") {
  for (const double offset : {0.0, 0.05}) {
    CAPTURE(offset);
    std::vector<Curve> curves;
    for (const auto& [name, exponent, seed] :
         {std::tuple{"dense", 0.15, 1}, {"btt", 0.16, 2}, {"tt", 0.14, 3}}) {
      curves = joined(std::move(curves),
                      planted_curves({.structure = name,
                                      .exponent = exponent,
                                      .offset = offset,
                                      .noise = 0.002,
                                      .noise_seed = static_cast<std::uint64_t>(seed)}));
    }
    RankingOptions options;
    options.selects_irreducible = true;
    options.bootstrap.n_replicates = 0;
    const Ranking ranking = rank_structures(curves, options);
    CHECK(ranking.irreducible == (offset > 0 ? Irreducible::shared : Irreducible::zero));
    const double with = ranking.rollout.mean_error(Irreducible::shared);
    const double without = ranking.rollout.mean_error(Irreducible::zero);
    CHECK((with < without) == (offset > 0));
    CHECK(ranking.rows[0].leave_largest_out_error < 0.02);
  }
}

TEST_CASE("a law's own error grows with the distance from its data, then with its square") {
  const LeftOut left_out{.error = 0.01, .distance = std::log(4.0)};
  PowerLaw law;
  law.min_compute = 1e9;
  law.max_compute = 1e12;
  CHECK(left_out.law_deviation(law, 1e10) == 0);
  CHECK(left_out.law_deviation(law, 1e12) == 0);
  CHECK(left_out.law_deviation(law, 2e12) == doctest::Approx(0.005));
  CHECK(left_out.law_deviation(law, 4e12) == doctest::Approx(0.01));
  CHECK(left_out.law_deviation(law, 16e12) == doctest::Approx(0.04));
  CHECK(left_out.law_deviation(law, 1e9 / 4) == doctest::Approx(0.01));
  CHECK(LeftOut{}.law_deviation(law, 1e15) == 0);
}

TEST_CASE("beyond its data a law that is wrong still has the truth in its interval") {
  // The truth has an irreducible loss; the law is told that there is none.
  constexpr double kOffset = 0.05;
  const std::vector<Curve> curves = planted_curves({.offset = kOffset, .noise = 0.002});
  RankingOptions options;
  options.selects_irreducible = false;
  options.irreducible = Irreducible::zero;
  options.may_extrapolate = true;
  const double largest = rank_structures(curves, options).rows[0].law.max_compute;
  for (const double times : {2.0, 8.0, 32.0}) {
    CAPTURE(times);
    options.target_compute = times * largest;
    const RankedStructure row = rank_structures(curves, options).rows[0];
    const double truth = kOffset + 4 * std::pow(*options.target_compute, -0.15);
    CHECK(row.predicted_loss.low < truth);
    CHECK(row.predicted_loss.high > truth);
    CHECK(row.predicted_loss.low_80 > row.predicted_loss.low);
  }
}
