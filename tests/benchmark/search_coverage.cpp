// What a search reports against what is true, in simulated searches:
//
//     einsearch_search_coverage WORLD SEARCHES [FIRST [STRATEGY]]
//
// Worlds have 40 structures beside dense with laws E + a C^-b (tests/search/planted_search.h), five
// scales, 0.5 % noise of a run's loss:
//   wide    a scatters by 20 %, b by 0.02: structures differ by factors of compute
//   close   a scatters by 1 %, b by 0.005: they differ by some percent
//   equal   they are all the same as dense: whatever is found is false
//
// One CSV row: the share of searches in which the 95 % interval of the winner (the best finalist by
// the confirmed multiplier) holds its true multiplier, the same for all finalists and for the
// selection's own interval of the structure that it puts first; how far each estimate lies above
// the truth on average; the share of searches that call a structure better than dense, and call it
// wrongly; regret, true compute of the winner over that of the best; the share of an exhaustive
// search's compute.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "compute/parallel.h"
#include "search/planted_search.h"

using namespace einsearch;

namespace {

constexpr int kStructures = 40;

struct Mean {
  double sum = 0, n = 0;

  void add(double value) {
    sum += value;
    n += 1;
  }
  double value() const { return n > 0 ? sum / n : NAN; }
};

struct Tally {
  Mean winner, finalists, selection, over_confirmed, over_selected, claims, false_claims, regret,
      cost;
};

bool holds(const Estimate& estimate, double truth) {
  return estimate.low <= truth && truth <= estimate.high;
}

void judge(const PlantedSearch& world, const HalvingState& state, double exhaustive, Tally& tally) {
  const Confirmation& confirmation = *state.confirmation;
  const double compute = confirmation.compute;
  const ConfirmedStructure* winner = nullptr;
  bool has_claim = false, has_false_claim = false;
  for (const ConfirmedStructure& row : confirmation.rows) {
    if (row.name == "dense") continue;
    const double truth = world.multiplier(row.name, compute);
    tally.finalists.add(holds(row.multiplier, truth));
    if (winner == nullptr || row.multiplier.value > winner->multiplier.value) winner = &row;
    has_claim = has_claim || row.surely_beats_dense;
    has_false_claim = has_false_claim || (row.surely_beats_dense && truth <= 1 + 1e-9);
  }
  const double truth = world.multiplier(winner->name, compute);
  tally.winner.add(holds(winner->multiplier, truth));
  tally.over_confirmed.add(std::log(winner->multiplier.value / truth));
  tally.claims.add(has_claim);
  tally.false_claims.add(has_false_claim);
  double best = 0;
  for (const PlantedStructure& structure : world.structures)
    best = std::max(best, world.multiplier(structure.name, compute));
  tally.regret.add(best / truth);
  tally.cost.add(state.flops / exhaustive);
  const std::size_t first = state.order.front();
  for (std::size_t i = 0; i < state.selected.size(); ++i) {
    if (state.selected[i] != first) continue;
    const double of_first = world.multiplier(state.candidates[first].name, compute);
    tally.selection.add(holds(state.selection->multiplier[i], of_first));
    tally.over_selected.add(std::log(state.selection->multiplier[i].value / of_first));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string kind = argc > 2 ? argv[1] : "";
  if (kind != "wide" && kind != "close" && kind != "equal") {
    std::fputs("usage: einsearch_search_coverage wide|close|equal SEARCHES [FIRST [STRATEGY]]\n",
               stderr);
    return 2;
  }
  const auto searches = std::atoll(argv[2]);
  const auto first = argc > 3 ? std::atoll(argv[3]) : 0;
  const Strategy strategy = argc > 4 ? parse_strategy(argv[4]) : Strategy::halving;
  const double level = kind == "wide" ? 0.2 : kind == "close" ? 0.01 : 0;
  const double slope = kind == "wide" ? 0.02 : kind == "close" ? 0.005 : 0;
  Tally tally;
  std::mutex mutex;
  Threads(available_threads()).for_each(searches, [&](Index i) {
    const PlantedSearch world =
        planted_world(kStructures, level, slope, static_cast<std::uint64_t>(first + i));
    HalvingOptions options;
    options.seed = static_cast<std::uint64_t>(first + i);
    options.finalists = 3;
    options.strategy = strategy;
    const HalvingState state = run_planted(world, options).state;
    HalvingOptions everything = options;
    everything.strategy = Strategy::exhaustive;
    const double exhaustive = needed_flops(world.problem(), everything).all;
    const std::lock_guard lock(mutex);
    judge(world, state, exhaustive, tally);
  });
  std::puts(
      "world,strategy,searches,winner_95,finalists_95,selection_95,winner_overstated,selection_"
      "overstated,"
      "claims,false_claims,regret,cost_share");
  fmt::print("{},{},{},{:.3f},{:.3f},{:.3f},{:.4f},{:.4f},{:.3f},{:.3f},{:.4f},{:.3f}\n",
             kind,
             strategy_names()[static_cast<std::size_t>(strategy)],
             searches,
             tally.winner.value(),
             tally.finalists.value(),
             tally.selection.value(),
             tally.over_confirmed.value(),
             tally.over_selected.value(),
             tally.claims.value(),
             tally.false_claims.value(),
             tally.regret.value(),
             tally.cost.value());
}
