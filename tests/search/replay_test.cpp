#include "search/replay.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "search/planted_search.h"

using namespace einsearch;

namespace {

/// All structures at all scales with `seeds` seeds, as a sweep would leave them.
std::vector<Curve> planted_archive(const PlantedSearch& world, Count seeds) {
  std::vector<Curve> curves;
  const SearchProblem problem = world.problem();
  for (std::size_t c = 0; c < problem.candidates.size(); ++c) {
    for (std::size_t scale = 0; scale < problem.scales(); ++scale) {
      for (Count seed = 0; seed < seeds; ++seed)
        curves.push_back(world.curve(problem.candidates[c], {c, scale, 1, seed, false}));
    }
  }
  return curves;
}

const ReplayRow& row_of(const std::vector<ReplayRow>& rows, const std::string& strategy) {
  for (const ReplayRow& row : rows) {
    if (row.strategy == strategy) return row;
  }
  throw std::logic_error("no such row");
}

}  // namespace

TEST_CASE("an exhaustive search replayed against its own runs is perfect and costs everything") {
  const PlantedSearch world = planted_world(20, 0.02, 0.01, 1);
  const auto rows =
      replay(read_archive(planted_archive(world, 1)), {"exhaustive"}, {.n_replicates = 50});
  CHECK(rows.front().regret == doctest::Approx(1));
  CHECK(rows.front().recall == doctest::Approx(1));
  CHECK(rows.front().tau == doctest::Approx(1));
  CHECK(rows.front().cost_share == doctest::Approx(1));
  CHECK(rows.front().runs == 21 * 5);
}

TEST_CASE("halving costs less than an exhaustive search and beats chance") {
  const PlantedSearch world = planted_world(18, 0.05, 0.01, 2);
  const auto rows =
      replay(read_archive(planted_archive(world, 2)), replay_strategies(), {.n_replicates = 50});
  CHECK(rows.size() == replay_strategies().size());
  const ReplayRow& halving = row_of(rows, "halving");
  CHECK(halving.cost_share < 0.35);
  CHECK(halving.regret < 1.1);
  CHECK(halving.regret < row_of(rows, "random").regret);
  CHECK(halving.recall > row_of(rows, "random").recall);
  CHECK(row_of(rows, "omega-psi").cost_share == 0);
  CHECK(row_of(rows, "single-scale").cost_share <= halving.cost_share);
  for (const ReplayRow& row : rows) CHECK(row.regret > 0.9);
}

TEST_CASE("structures without every scale and seed are left out, and an archive needs dense") {
  const PlantedSearch world = planted_world(6, 0.02, 0, 3);
  std::vector<Curve> curves = planted_archive(world, 2);
  std::erase_if(curves, [](const Curve& curve) {
    return curve.structure == "s03" && curve.width == 32 && curve.seed_init == 1;
  });
  const ReplayArchive archive = read_archive(curves);
  CHECK(archive.candidates.size() == 6);
  REQUIRE(archive.notes.size() == 1);
  CHECK(archive.notes.front().find("s03") != std::string::npos);
  std::erase_if(curves, [](const Curve& curve) { return curve.structure == "dense"; });
  CHECK_THROWS_WITH_AS(read_archive(curves), doctest::Contains("without dense"), const Error&);
}
