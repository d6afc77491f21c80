// What replicates say: intervals, ranks, probabilities, shrinkage, dominance.
#include "fit/inference.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "fit/bootstrap.h"
#include "fit/dominance.h"
#include "fit/jackknife.h"
#include "fit/planted.h"
#include "fit/ranking.h"

using namespace einsearch;

namespace {

/// Normal deviations of standard deviation `spread`, the same sort for every structure.
ScoredReplicates scored(const std::vector<double>& scores, double spread, double shared = 0) {
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal(0, 1);
  ScoredReplicates result{.score = scores, .deviation = {}};
  constexpr int kReplicates = 400;
  std::vector<double> common(kReplicates);
  for (double& value : common) value = shared * normal(generator);
  for (std::size_t s = 0; s < scores.size(); ++s) {
    std::vector<double> row;
    for (int r = 0; r < kReplicates; ++r) {
      row.push_back(common[static_cast<std::size_t>(r)] + spread * normal(generator));
    }
    result.deviation.push_back(std::move(row));
  }
  return result;
}

std::vector<Curve> three_structures() {
  return joined(
      joined(planted_curves({.noise = 0.005, .noise_seed = 1}),
             planted_curves({.structure = "btt", .noise = 0.005, .noise_seed = 2, .cost = 0.5})),
      planted_curves({.structure = "tt", .noise = 0.005, .noise_seed = 3, .cost = 2}));
}

}  // namespace

TEST_CASE("scores far apart have certain ranks, equal scores have every rank") {
  const auto apart = infer_ranks(scored({1, 2, 3}, 0.01));
  for (std::size_t s = 0; s < 3; ++s) {
    CHECK(apart[s].rank_low == static_cast<Count>(s) + 1);
    CHECK(apart[s].rank_high == static_cast<Count>(s) + 1);
  }
  CHECK(apart[0].p_best == doctest::Approx(1));
  const auto equal = infer_ranks(scored({1, 1, 1}, 0.01));
  double sum = 0;
  for (const RankInference& inference : equal) {
    CHECK(inference.rank_low == 1);
    CHECK(inference.rank_high == 3);
    sum += inference.p_best;
  }
  CHECK(sum == doctest::Approx(1));
}

TEST_CASE("what moves all structures alike does not blur their order") {
  for (const RankInference& inference : infer_ranks(scored({1, 1.2, 1.4}, 0.01, 10))) {
    CHECK(inference.rank_low == inference.rank_high);
  }
}

TEST_CASE("Kendall's tau is 1 for one order, -1 for the reverse, and 0.6 by hand") {
  CHECK(kendall_tau({1, 2, 3}, {10, 20, 30}) == 1);
  CHECK(kendall_tau({1, 2, 3}, {30, 20, 10}) == -1);
  CHECK(kendall_tau({1, 2, 3, 4, 5}, {1, 2, 4, 5, 3}) == doctest::Approx(0.6));
  CHECK(std::isnan(kendall_tau({1, 2}, {3, 3})));
}

TEST_CASE("shrinkage keeps precise estimates and draws noise to the mean") {
  const std::vector<double> estimates = {1, 2, 3, 4};
  const auto precise = shrink(estimates, {1e-9, 1e-9, 1e-9, 1e-9});
  const auto noisy = shrink(estimates, {100, 100, 100, 100});
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    CHECK(precise[i] == doctest::Approx(estimates[i]).epsilon(1e-6));
    CHECK(noisy[i] == doctest::Approx(2.5));
  }
}

TEST_CASE("tails of F agree with those of t and with a table") {
  CHECK(f_tail_probability(4.9646, 1, 10) == doctest::Approx(0.05).epsilon(1e-4));
  CHECK(f_tail_probability(3.7083, 3, 10) == doctest::Approx(0.05).epsilon(1e-4));
  const double t = 1.7;
  CHECK(f_tail_probability(t * t, 1, 7) ==
        doctest::Approx(2 * (1 - student_t_probability(t, 7))).epsilon(1e-10));
}

TEST_CASE("replicates depend on the seed alone, not on threads") {
  const auto curves = three_structures();
  RankingOptions options;
  options.bootstrap.n_replicates = 60;
  const Ranking one = rank_structures(curves, options);
  options.bootstrap.n_threads = 4;
  const Ranking four = rank_structures(curves, options);
  options.bootstrap.seed = 1;
  const Ranking other = rank_structures(curves, options);
  for (std::size_t i = 0; i < one.rows.size(); ++i) {
    CHECK(one.rows[i].exponent.low == four.rows[i].exponent.low);
    CHECK(one.rows[i].multiplier.high == four.rows[i].multiplier.high);
    CHECK(one.rows[i].inference.p_best == four.rows[i].inference.p_best);
    CHECK(one.rows[i].exponent.low != other.rows[i].exponent.low);
  }
}

TEST_CASE("a structure of half the compute beats the baseline, surely and not within 5 %") {
  const Ranking ranking = rank_structures(three_structures());
  const RankedStructure& btt = row_of(ranking, "btt");
  CHECK(btt.inference.rank_low == 1);
  CHECK(btt.inference.rank_high == 1);
  CHECK(btt.inference.p_best > 0.99);
  CHECK(btt.p_beats_baseline > 0.99);
  CHECK(btt.p_within_5_percent < 0.01);
  CHECK(btt.multiplier.low > 1);
  CHECK(btt.multiplier.low_80 >= btt.multiplier.low);
  CHECK(btt.multiplier.high_80 <= btt.multiplier.high);
  CHECK(row_of(ranking, "tt").p_beats_baseline < 0.01);
}

TEST_CASE("many seeds are resampled, few are drawn from the noise they show") {
  RankingOptions options;
  options.bootstrap.n_replicates = 40;
  const auto kind = [&options](Count n_seeds) {
    return rank_structures(planted_curves({.n_seeds = n_seeds, .noise = 0.01}), options)
        .replicates.kind;
  };
  CHECK(kind(2) == BootstrapKind::parametric);
  CHECK(kind(7) == BootstrapKind::runs);
}

TEST_CASE("a target far beyond the data is refused unless forced") {
  RankingOptions options;
  options.target_compute = 1e16;
  CHECK_THROWS_WITH_AS(
      rank_structures(three_structures(), options), doctest::Contains("--force"), Error);
  options.may_extrapolate = true;
  options.bootstrap.n_replicates = 20;
  for (const RankedStructure& row : rank_structures(three_structures(), options).rows) {
    CHECK(row.extrapolated_by > 10);
    CHECK(row.leave_largest_out_error < 0.1);
  }
}

TEST_CASE("the dominated go, whoever is best by one criterion stays") {
  auto curves = three_structures();
  for (Curve& curve : curves) {
    curve.params = curve.structure == "tt" ? 100 : curve.structure == "btt" ? 200 : 300;
  }
  Ranking ranking = rank_structures(curves);
  keep_undominated(ranking, {"predicted-loss", "params"}, 0.05);
  REQUIRE(ranking.rows.size() == 2);  // dense is dearer and worse than btt
  CHECK(ranking.rows[0].structure == "btt");
  CHECK(ranking.rows[1].structure == "tt");
  CHECK(ranking.rows[1].p_undominated == 1);
  CHECK_THROWS_AS(keep_undominated(ranking, {"params"}, 0.05), Error);
  CHECK_THROWS_WITH_AS(
      keep_undominated(ranking, {"params", "los"}, 0.05), doctest::Contains("last-loss"), Error);
}
