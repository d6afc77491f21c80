// What follows the last rung: refinement, and confirmation.
#include <fmt/format.h>

#include <cmath>

#include "fit/surrogate.h"
#include "search/halving_walk.h"

namespace einsearch {
namespace {

constexpr Count kManyFinalists = 8;
constexpr std::size_t kParents = 3;  // of neighbours
constexpr int kRefinements = 2;
constexpr std::size_t kPromotedNeighbours = 3;

}  // namespace

bool HalvingWalk::is_refined() {
  const bool has_surrogate =
      options_.strategy == Strategy::surrogate && search_.problem_.surrogate != nullptr;
  const bool has_neighbours =
      search_.problem_.neighbours != nullptr &&
      (options_.strategy == Strategy::halving || options_.strategy == Strategy::last_loss);
  if (!has_surrogate && !has_neighbours) return true;
  const double best_of_space = state_.order.empty() ? kInfinity : of(state_.order[0]).score;
  for (int round = 1; round <= kRefinements; ++round) {
    bool has_room = true;
    if (!is_refined_once(round, has_room)) return false;
    if (!has_room) break;
  }
  if (state_.n_neighbours > 0) {
    std::size_t best = state_.order.front();
    state_.neighbours_won = best > n_first_ && of(best).score < best_of_space;
  }
  return true;
}

std::vector<Offer> HalvingWalk::offer_neighbours(int round) const {
  const std::vector<std::size_t> parents(
      state_.order.begin(),
      state_.order.begin() + static_cast<std::ptrdiff_t>(std::min(kParents, state_.order.size())));
  std::vector<std::vector<SearchCandidate>> lists;
  std::size_t longest = 0;
  for (const std::size_t parent : parents) {
    lists.push_back(search_.problem_.neighbours(state_.candidates[parent].name, round));
    longest = std::max(longest, lists.back().size());
  }
  std::vector<Offer> offers;
  for (std::size_t i = 0; i < longest; ++i) {
    for (std::size_t p = 0; p < parents.size(); ++p) {
      if (i < lists[p].size()) offers.push_back({lists[p][i], parents[p]});
    }
  }
  return offers;
}

std::vector<Offer> HalvingWalk::offer_by_surrogate(int round) {
  std::vector<std::size_t> judged;
  const Prediction& prediction = predict(judged, kJudgedScales);
  std::vector<Judgement> judgements;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const Estimate& multiplier = prediction.multiplier[i];
    if (judged[i] == 0 || !std::isfinite(multiplier.value) || multiplier.value <= 0) continue;
    const double deviation = multiplier.standard_error / multiplier.value;
    if (!std::isfinite(deviation)) continue;
    judgements.push_back(
        {judged[i], state_.candidates[judged[i]].name, std::log(multiplier.value), deviation});
  }
  if (judgements.size() < Surrogate::kFewest) {
    state_.notes.push_back(fmt::format("no surrogate: {} structures have a multiplier, {} needed",
                                       judgements.size(),
                                       Surrogate::kFewest));
    return {};
  }
  const SurrogateOffers offers = search_.problem_.surrogate(judgements, round);
  state_.notes.push_back(fmt::format(
      "surrogate, round {}: leave-one-out error of log multipliers {:.2f}, their deviation {:.2f} "
      "({} structures)",
      round,
      offers.leave_one_out_error,
      offers.spread,
      judgements.size()));
  return offers.list;
}

std::vector<std::size_t> HalvingWalk::add_offers(const std::vector<Offer>& offers, double room) {
  std::set<std::string> known;
  for (const SearchCandidate& candidate : state_.candidates) known.insert(candidate.name);
  // The best of them have to be affordable up to the largest scale.
  for (std::size_t s = kFirstScales; s < scales(); ++s)
    room -= static_cast<double>(kPromotedNeighbours) * static_cast<double>(options_.seeds) *
            mean_flops(search_.problem_.candidates, s);
  std::vector<std::size_t> added;
  for (const Offer& offer : offers) {
    if (!known.insert(offer.candidate.name).second) continue;
    double flops = 0;
    for (std::size_t s = 0; s < kFirstScales; ++s)
      flops += static_cast<double>(options_.seeds) * offer.candidate.flops[s];
    if (flops > room) return added;
    room -= flops;
    added.push_back(state_.candidates.size());
    state_.candidates.push_back(offer.candidate);
    state_.states.emplace_back();
    of(added.back()).lr_factor = of(offer.like).lr_factor;  // a neighbour's rate is as good
  }
  return added;
}

bool HalvingWalk::is_refined_once(int round, bool& has_room) {
  state_.stage = fmt::format("refinement {}", round);
  const double reserve =
      confirmation_flops(search_.problem_.candidates,
                         options_,
                         std::min(static_cast<Count>(n_first_), few_finalists(options_)));
  const std::vector<Offer> offers = options_.strategy == Strategy::surrogate
                                        ? offer_by_surrogate(round)
                                        : offer_neighbours(round);
  const std::vector<std::size_t> added =
      add_offers(offers, options_.budget - state_.flops - reserve);
  has_room = !added.empty();
  if (added.empty()) return true;
  state_.n_neighbours += static_cast<Count>(added.size());
  std::vector<Trial> trials;
  for (std::size_t scale = 0; scale < kFirstScales; ++scale) {
    const std::vector<Trial> more = trials_of(added, scale);
    trials.insert(trials.end(), more.begin(), more.end());
  }
  if (!ask(state_.stage, trials)) return false;
  for (std::size_t scale = 0; scale < kFirstScales; ++scale) {
    std::vector<std::size_t> left;
    for (const std::size_t c : added) {
      if (of(c).is_alive) left.push_back(c);
    }
    drop_unsound(left, scale);
  }
  const std::vector<std::size_t> order = rank(scales(), kPromotedNeighbours);
  std::vector<std::size_t> climbing;
  const std::set<std::size_t> fresh(added.begin(), added.end());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!fresh.contains(order[i])) continue;
    // Whoever is not among the best by then is no improvement.
    if (i < 2 * kParents && climbing.size() < kPromotedNeighbours) {
      climbing.push_back(order[i]);
      note(order[i], "promoted", "by " + std::string(criterion()));
    } else {
      drop(order[i], "dropped", fmt::format("place {} of {}", i + 1, order.size()));
    }
  }
  for (std::size_t scale = kFirstScales; scale < scales() && !climbing.empty(); ++scale) {
    if (!ask(fmt::format("refinement {}, scale {}", round, scale + 1), trials_of(climbing, scale)))
      return false;
    drop_unsound(climbing, scale);
    std::erase_if(climbing, [&](std::size_t c) { return !of(c).is_alive; });
  }
  state_.stage = fmt::format("refinement {}", round);
  state_.order = rank(scales(), static_cast<std::size_t>(few_finalists(options_)));
  return true;
}

Count HalvingWalk::finalists_within_budget() const {
  const auto is_affordable = [&](Count finalists) {
    double flops = state_.flops;
    for (Count i = 0; i <= finalists; ++i) {
      const std::size_t c = i == 0 ? 0 : state_.order[static_cast<std::size_t>(i) - 1];
      for (const std::size_t scale : {scales() - 2, scales() - 1})
        flops +=
            static_cast<double>(options_.confirmation_seeds) * state_.candidates[c].flops[scale];
    }
    return flops <= options_.budget;
  };
  const auto most = static_cast<Count>(state_.order.size());
  Count finalists = std::min(few_finalists(options_), most);
  if (options_.finalists == 0 && is_affordable(std::min(kManyFinalists, most)))
    finalists = std::min(kManyFinalists, most);
  while (finalists > 0 && !is_affordable(finalists)) --finalists;
  return finalists;
}

bool HalvingWalk::is_confirmed() {
  std::vector<std::size_t> judged;
  state_.stage = "selection";
  state_.selection = predict(judged, scales());  // E needs them all
  state_.selected = judged;
  const Count wanted = finalists_within_budget();
  for (const std::size_t c : state_.order) {
    if (static_cast<Count>(state_.finalists.size()) < wanted) {
      state_.finalists.push_back(c);
      note(c, "finalist", "by " + std::string(criterion()));
    } else {
      note(c, "not confirmed", fmt::format("beyond the {} finalists", wanted));
    }
  }
  if (options_.confirmation_seeds == 0 || state_.finalists.empty()) return true;
  std::vector<std::size_t> members = {0};
  members.insert(members.end(), state_.finalists.begin(), state_.finalists.end());
  std::vector<Trial> trials;
  for (const std::size_t c : members) {
    for (const std::size_t scale : {scales() - 2, scales() - 1}) {
      for (Count seed = 0; seed < options_.confirmation_seeds; ++seed)
        trials.push_back({c, scale, of(c).lr_factor, seed, true});
    }
  }
  if (!ask("confirmation", trials)) return false;
  std::vector<ConfirmationRuns> runs;
  for (const std::size_t c : members) {
    ConfirmationRuns& own = runs.emplace_back();
    own.name = state_.candidates[c].name;
    for (Count seed = 0; seed < options_.confirmation_seeds; ++seed) {
      own.smaller.push_back(curve_of({c, scales() - 2, of(c).lr_factor, seed, true}));
      own.larger.push_back(curve_of({c, scales() - 1, of(c).lr_factor, seed, true}));
    }
  }
  Estimate irreducible{.value = 0};
  for (const RankedStructure& row : state_.selection->ranking.rows) {
    if (row.law.is_usable()) irreducible = row.irreducible_loss;
  }
  state_.confirmation = confirm(runs, irreducible, options_.seed);
  return true;
}

}  // namespace einsearch
