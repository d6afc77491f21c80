#include "search/halving.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "search/planted_search.h"

using namespace einsearch;

namespace {

bool holds(const Estimate& estimate, double truth) {
  return estimate.low <= truth && truth <= estimate.high;
}

std::set<std::size_t> trained_at(const HalvingState& state, Count scales) {
  std::set<std::size_t> members;
  for (std::size_t c = 0; c < state.states.size(); ++c) {
    if (state.states[c].scales >= scales) members.insert(c);
  }
  return members;
}

}  // namespace

TEST_CASE("halving finds a planted winner among forty for a part of the exhaustive cost") {
  PlantedSearch world = planted_world(40, 0.02, 0, 1);
  world.structures[23].prefactor = 0.85;
  HalvingOptions options;
  options.finalists = 3;
  options.n_replicates = 100;
  const PlantedRun search = run_planted(world, options);
  const HalvingState& state = search.state;
  REQUIRE(state.confirmation);
  CHECK(state.finalists.front() == 23);
  CHECK(state.confirmation->rows[1].surely_beats_dense);
  CHECK(holds(state.confirmation->rows[1].multiplier, world.multiplier("s23", world.flops[4])));
  options.strategy = Strategy::exhaustive;
  CHECK(state.flops < 0.5 * run_planted(world, options).state.flops);
  // A third goes on at each rung, at most half as many again by ties.
  CHECK(trained_at(state, 3).size() == 41);
  CHECK(trained_at(state, 4).size() >= 15);
  CHECK(trained_at(state, 4).size() <= 22);
  CHECK(trained_at(state, 5).size() >= 6);
}

TEST_CASE("dense goes all the way, however bad it is") {
  PlantedSearch world = planted_world(15, 0.01, 0, 2);
  world.structures[0].prefactor = 2;
  for (const Strategy strategy :
       {Strategy::halving, Strategy::last_loss, Strategy::random, Strategy::exhaustive}) {
    HalvingOptions options;
    options.strategy = strategy;
    options.n_replicates = 20;
    const HalvingState state = run_planted(world, options).state;
    CHECK(state.states[0].is_alive);
    CHECK(state.states[0].scales == 5);
    CHECK(state.confirmation->rows[0].name == "dense");
  }
}

TEST_CASE("of structures that are all alike none is shown to beat dense") {
  int claims = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const PlantedSearch world = planted_world(12, 0, 0, seed);
    HalvingOptions options;
    options.n_replicates = 40;
    const HalvingState state = run_planted(world, options).state;
    for (const ConfirmedStructure& row : state.confirmation->rows)
      claims += row.surely_beats_dense ? 1 : 0;
  }
  CHECK(claims <= 1);  // 2.5 % of 8 searches
}

TEST_CASE("a search spends no more than its budget and spends ties only from what is left") {
  const PlantedSearch world = planted_world(20, 0.01, 0.005, 3);
  HalvingOptions options;
  options.n_replicates = 40;
  const NeededFlops needed = needed_flops(world.problem(), options);
  CHECK(needed.first_rung < needed.all);
  std::size_t fewest = 0;
  for (const double budget : {needed.all, 1.2 * needed.all, 4 * needed.all}) {
    options.budget = budget;
    const PlantedRun search = run_planted(world, options);
    CHECK(search.state.flops <= budget);
    CHECK(search.state.confirmation);
    CHECK(search.runs >= fewest);
    fewest = search.runs;
  }
  options.budget = 0.99 * needed.all;
  CHECK_THROWS_WITH_AS(
      run_planted(world, options), doctest::Contains("too small a budget"), const Error&);
}

TEST_CASE("every structure and dense alike has its rate tuned, further where the best is an end") {
  PlantedSearch world = planted_world(12, 0.01, 0, 4);
  world.rate_penalty = 0.05;
  world.structures[0].best_rate = 2;
  world.structures[3].best_rate = 0.25;
  world.structures[5].best_rate = 32;
  const HalvingState state = run_planted(world, {.n_replicates = 20}).state;
  CHECK(state.states[0].lr_factor == 2);
  CHECK_FALSE(state.states[0].is_rate_at_edge);
  CHECK(state.states[1].lr_factor == 1);
  CHECK(state.states[3].lr_factor == 0.25);
  CHECK_FALSE(state.states[3].is_rate_at_edge);
  CHECK(state.states[5].is_rate_at_edge);
}

TEST_CASE(
    "a structure that diverges or is hopeless leaves after the cheapest scale, with a reason") {
  PlantedSearch world = planted_world(12, 0.01, 0, 5);
  world.structures[4].diverges = true;
  world.structures[7].prefactor = 4;
  const HalvingState state = run_planted(world, {.n_replicates = 20}).state;
  for (const std::size_t c : {4, 7}) {
    CHECK_FALSE(state.states[c].is_alive);
    CHECK(state.states[c].dropped_at == "screening");
    CHECK(state.states[c].flops == world.flops[0]);
  }
  CHECK(state.states[4].reason.find("diverged at width 8") != std::string::npos);
  CHECK(state.states[7].reason.find("dense was better") != std::string::npos);
  world.structures[0].diverges = true;
  CHECK_THROWS_WITH_AS(run_planted(world, {.n_replicates = 20}),
                       doctest::Contains("dense did not train"),
                       const Error&);
}

TEST_CASE("every family keeps its best at the first promotion") {
  PlantedSearch world = planted_world(30, 0.01, 0, 6);
  for (PlantedStructure& structure : world.structures) {
    if (structure.family == "tt") structure.prefactor *= 1.3;
  }
  const HalvingState state = run_planted(world, {.n_replicates = 20}).state;
  bool has_tt = false;
  for (const std::size_t c : trained_at(state, 4))
    has_tt = has_tt || state.candidates[c].family == "tt";
  CHECK(has_tt);
}

TEST_CASE("decisions depend on results alone: asked again after every run they are the same") {
  const PlantedSearch world = planted_world(10, 0.02, 0.01, 7);
  HalvingOptions options;
  options.n_replicates = 20;
  const PlantedRun whole = run_planted(world, options);
  // Results come one at a time, and each time a new search takes over.
  std::map<Trial, Curve> done;
  HalvingState state;
  for (std::size_t step = 0; step < 1000; ++step) {
    Halving halving(world.problem(), options);
    const auto look_up = [&](const SearchCandidate&, const Trial& trial) -> const Curve* {
      const auto known = done.find(trial);
      return known == done.end() ? nullptr : &known->second;
    };
    state = halving.next(look_up);
    if (state.batch.empty()) break;
    std::size_t added = 0;
    for (auto trial = state.batch.rbegin(); trial != state.batch.rend() && added < 5; ++trial) {
      if (done.contains(*trial)) continue;
      done[*trial] = world.curve(state.candidates[trial->candidate], *trial);
      ++added;
    }
  }
  REQUIRE(state.decisions.size() == whole.state.decisions.size());
  for (std::size_t i = 0; i < state.decisions.size(); ++i) {
    CHECK(state.decisions[i].structure == whole.state.decisions[i].structure);
    CHECK(state.decisions[i].action == whole.state.decisions[i].action);
  }
  CHECK(state.finalists == whole.state.finalists);
  CHECK(state.confirmation->rows[1].multiplier.low ==
        whole.state.confirmation->rows[1].multiplier.low);
}

TEST_CASE(
    "refinement climbs from the best of the lattice to better neighbours, and says if none is") {
  PlantedSearch world = planted_world(12, 0.02, 0, 3);
  world.structures[5].prefactor = 0.85;
  const auto add = [&](const char* name, double prefactor, const char* parent, int round) {
    world.structures.push_back(
        {.name = name, .prefactor = prefactor, .parent = parent, .round = round});
  };
  add("worse", 0.95, "s05", 1);
  add("better", 0.75, "s05", 1);
  add("best", 0.65, "better", 2);  // known only once "better" is among the best three
  HalvingOptions options;
  options.finalists = 2;
  options.n_replicates = 50;
  const HalvingState climbed = run_planted(world, options).state;
  CHECK(climbed.n_neighbours == 3);
  CHECK(climbed.neighbours_won == true);
  REQUIRE(climbed.confirmation);
  CHECK(climbed.candidates[climbed.finalists[0]].name == "best");
  CHECK(climbed.candidates[climbed.finalists[1]].name == "better");

  for (PlantedStructure& structure : world.structures)
    if (structure.round > 0) structure.prefactor = 1.1;
  const HalvingState stayed = run_planted(world, options).state;
  CHECK(stayed.neighbours_won == false);
  CHECK(stayed.candidates[stayed.finalists[0]].name == "s05");

  options.budget = needed_flops(world.problem(), options).all;
  const HalvingState poor = run_planted(world, options).state;
  CHECK(poor.n_neighbours == 0);  // the budget does not reach
  CHECK(!poor.neighbours_won);
  CHECK(poor.flops <= options.budget);
}

TEST_CASE("fresh seeds alone make the confirmed numbers") {
  // Selection that looked far too good for one structure does not show in its confirmation.
  const PlantedSearch world = planted_world(8, 0, 0, 8);
  Halving halving(world.problem(), {.finalists = 3});
  std::map<Trial, Curve> done;
  HalvingState state;
  do {
    state = halving.next([&](const SearchCandidate&, const Trial& trial) -> const Curve* {
      const auto known = done.find(trial);
      return known == done.end() ? nullptr : &known->second;
    });
    for (const Trial& trial : state.batch) {
      Curve& curve = done[trial] = world.curve(state.candidates[trial.candidate], trial);
      if (trial.is_confirmation || trial.candidate != 5) continue;
      for (CurvePoint& point : curve.points) point.loss *= 0.9;
    }
  } while (!state.batch.empty());
  REQUIRE(state.finalists.front() == 5);
  CHECK(state.selection->multiplier[5].value > 1.5);
  CHECK(state.confirmation->rows[1].multiplier.value < 1.2);
  CHECK_FALSE(state.confirmation->rows[1].surely_beats_dense);
}

TEST_CASE("a target below the cheapest scale is refused") {
  const PlantedSearch world = planted_world(4, 0, 0, 9);
  HalvingOptions options;
  options.target = 1e8;
  CHECK_THROWS_WITH_AS(
      run_planted(world, options), doctest::Contains("a target below the data"), const Error&);
}
