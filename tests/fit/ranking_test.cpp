#include "fit/ranking.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "fit/planted.h"

using namespace einsearch;

namespace {

bool contains(const Estimate& estimate, double value) {
  return estimate.low <= value && value <= estimate.high;
}

}  // namespace

TEST_CASE("planted exponents come back inside their own intervals") {
  int covered = 0;
  constexpr int kWorlds = 40;
  for (int world = 0; world < kWorlds; ++world) {
    const auto seed = static_cast<std::uint64_t>(world);
    const double exponent = 0.1 + 0.005 * world;
    const Ranking ranking = rank_structures(
        planted_curves({.exponent = exponent, .n_seeds = 3, .noise = 0.01, .noise_seed = seed}));
    if (contains(ranking.rows[0].exponent, exponent)) ++covered;
  }
  // 95 % of 40 is 38; a jackknife with few runs is not exact.
  CHECK(covered >= 34);
}

TEST_CASE("a structure that is twice as cheap has multiplier 2") {
  const PlantedLaw dense{.noise = 0.002, .noise_seed = 1};
  const PlantedLaw cheap{.structure = "btt", .noise = 0.002, .noise_seed = 2, .cost = 0.5};
  RankingOptions options;
  options.target_compute = 3e11;  // inside both ranges
  const Ranking ranking =
      rank_structures(joined(planted_curves(dense), planted_curves(cheap)), options);
  CHECK(ranking.baseline == "dense");
  const RankedStructure& btt = row_of(ranking, "btt");
  CHECK(btt.rank == 1);
  CHECK(btt.multiplier.value == doctest::Approx(2).epsilon(0.05));
  CHECK(contains(btt.multiplier, 2));
  CHECK(btt.verdict.starts_with("needs 0."));
  CHECK(btt.verdict.ends_with("of dense's compute at 3e11 FLOPs"));
  CHECK(std::isnan(btt.extrapolated_by));
}

TEST_CASE("the baseline compared with itself has multiplier 1 exactly") {
  const Ranking ranking = rank_structures(planted_curves({.noise = 0.01}));
  const Estimate& multiplier = ranking.rows[0].multiplier;
  CHECK(multiplier.value == 1);
  CHECK(multiplier.low == 1);
  CHECK(multiplier.high == 1);
  CHECK(verdict_lines(ranking).empty());
}

TEST_CASE("one structure under two names is not distinguishable") {
  const PlantedLaw law{.noise = 0.01};
  PlantedLaw twin = law;
  twin.structure = "twin";
  const Ranking ranking = rank_structures(joined(planted_curves(law), planted_curves(twin)));
  const RankedStructure& row = row_of(ranking, "twin");
  CHECK(row.multiplier.value == doctest::Approx(1).epsilon(1e-12));
  CHECK(row.verdict == "not distinguishable at this scale");
}

TEST_CASE("fresh noise on one law is told apart in few of many worlds") {
  int told_apart = 0;
  constexpr int kWorlds = 40;
  for (std::uint64_t world = 0; world < kWorlds; ++world) {
    const PlantedLaw dense{.n_seeds = 3, .noise = 0.01, .noise_seed = 2 * world};
    const PlantedLaw other{
        .structure = "other", .n_seeds = 3, .noise = 0.01, .noise_seed = 2 * world + 1};
    const Ranking ranking = rank_structures(joined(planted_curves(dense), planted_curves(other)));
    if (!contains(row_of(ranking, "other").multiplier, 1)) ++told_apart;
  }
  CHECK(told_apart <= 6);
}

TEST_CASE("the order of the curves does not change the ranking") {
  std::vector<Curve> curves =
      joined(planted_curves({.noise = 0.01}),
             planted_curves({.structure = "btt", .exponent = 0.16, .noise = 0.01}));
  const Ranking first = rank_structures(curves);
  std::shuffle(curves.begin(), curves.end(), std::mt19937_64(7));
  const Ranking second = rank_structures(curves);
  REQUIRE(first.rows.size() == second.rows.size());
  for (std::size_t i = 0; i < first.rows.size(); ++i) {
    CHECK(first.rows[i].structure == second.rows[i].structure);
    CHECK(first.rows[i].law.exponent == second.rows[i].law.exponent);
    CHECK(first.rows[i].multiplier.low == second.rows[i].multiplier.low);
    CHECK(first.rows[i].frontier.points == second.rows[i].frontier.points);
  }
}

TEST_CASE("an exact copy of a run counts once and is reported") {
  std::vector<Curve> curves = planted_curves({.noise = 0.01});
  const Ranking single = rank_structures(curves);
  Curve copy = curves[3];
  copy.run = "another name";
  curves.push_back(copy);
  const Ranking twice = rank_structures(curves);
  CHECK(twice.rows[0].exponent.standard_error == single.rows[0].exponent.standard_error);
  CHECK(twice.warnings.size() == single.warnings.size() + 1);
}

TEST_CASE("a target outside a fitted range is marked with its factor") {
  const std::vector<Curve> curves =
      joined(planted_curves({}), planted_curves({.structure = "btt", .cost = 0.5}));
  const Ranking inside = rank_structures(curves);
  RankingOptions far;
  far.target_compute = 10 * inside.target_compute;
  for (const RankedStructure& row : rank_structures(curves, far).rows) {
    CHECK(row.extrapolated_by >= 4.99);
  }
}

TEST_CASE("orders differ as asked") {
  // btt is better at the target, low-rank has the steeper law.
  const std::vector<Curve> curves =
      joined(joined(planted_curves({}), planted_curves({.structure = "btt", .prefactor = 3.5})),
             planted_curves({.structure = "low-rank", .exponent = 0.17, .prefactor = 8}));
  CHECK(rank_structures(curves).rows[0].structure == "btt");
  RankingOptions by_exponent;
  by_exponent.rank_by = RankBy::exponent;
  CHECK(rank_structures(curves, by_exponent).rows[0].structure == "low-rank");
}

TEST_CASE("without the baseline structures are ranked by predicted loss") {
  const std::vector<Curve> curves = joined(planted_curves({.structure = "a"}),
                                           planted_curves({.structure = "b", .prefactor = 3}));
  const Ranking ranking = rank_structures(curves);
  CHECK(ranking.baseline.empty());
  CHECK(ranking.rows[0].structure == "b");
  CHECK(std::isnan(ranking.rows[0].multiplier.value));
}

TEST_CASE("one or two widths give numbers without intervals and one warning") {
  const Ranking ranking = rank_structures(planted_curves({.widths = {64, 128}}));
  CHECK(ranking.rows[0].law.status == FitStatus::few_widths);
  CHECK(ranking.rows[0].exponent.value > 0);
  CHECK_FALSE(ranking.rows[0].exponent.has_interval());
  CHECK(ranking.warnings.size() == 1);
}

TEST_CASE("no interval where leaving out a run leaves fewer than three widths") {
  const std::vector<Count> widths = {64, 128, 256};
  const auto interval = [&widths](Count n_seeds) {
    return rank_structures(planted_curves({.widths = widths, .n_seeds = n_seeds, .noise = 0.01}))
        .rows[0]
        .exponent.has_interval();
  };
  CHECK_FALSE(interval(1));
  CHECK(interval(2));
}

TEST_CASE("several tasks, an unknown baseline and curves without points are refused") {
  std::vector<Curve> mixed = planted_curves({});
  mixed.back().task = "text";
  CHECK_THROWS_AS(rank_structures(mixed), Error);
  RankingOptions unknown;
  unknown.baseline = "dens";
  CHECK_THROWS_WITH_AS(rank_structures(planted_curves({}), unknown),
                       doctest::Contains("did you mean dense?"),
                       Error);
  std::vector<Curve> single = planted_curves({.widths = {64}, .n_seeds = 1});
  single[0].points.resize(1);
  CHECK_THROWS_AS(rank_structures(single), Error);
}
