#include "search/halving.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "base/random.h"
#include "base/suggest.h"

namespace einsearch {
namespace {

constexpr std::size_t kFirstScales = 3;  // of the first rung
constexpr Count kFewFinalists = 3, kManyFinalists = 8;
constexpr int kRateExtensions = 2;
constexpr double kHopeless = 1.0 / 16;  // of the compute after which dense was better already
constexpr std::size_t kParents = 3;     // of neighbours
constexpr int kRefinements = 2;
constexpr std::size_t kPromotedNeighbours = 3;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> rate_factors(const HalvingOptions& options) {
  return options.tunes_rate ? std::vector<double>{0.5, 1, 2} : std::vector<double>{1};
}

Count few_finalists(const HalvingOptions& options) {
  return options.finalists > 0 ? options.finalists : kFewFinalists;
}

double mean_flops(const std::vector<SearchCandidate>& candidates, std::size_t scale) {
  double sum = 0;
  for (const SearchCandidate& candidate : candidates) sum += candidate.flops[scale];
  return sum / static_cast<double>(candidates.size());
}

double confirmation_flops(const std::vector<SearchCandidate>& candidates,
                          const HalvingOptions& options,
                          Count finalists) {
  const std::size_t last = candidates.front().flops.size() - 1;
  return static_cast<double>((finalists + 1) * options.confirmation_seeds) *
         (mean_flops(candidates, last - 1) + mean_flops(candidates, last));
}

}  // namespace

const std::vector<std::string>& strategy_names() {
  static const std::vector<std::string> names = {"halving", "exhaustive", "last-loss", "random"};
  return names;
}

Strategy parse_strategy(const std::string& name) {
  const auto& names = strategy_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("unknown strategy",
                {.where = "--strategy",
                 .expected = "halving, exhaustive, last-loss or random",
                 .got = "\"" + name + "\"",
                 .hint = did_you_mean(name, names)});
  }
  return static_cast<Strategy>(found - names.begin());
}

std::vector<Count> rung_sizes(Count n, std::size_t scales, const HalvingOptions& options) {
  std::vector<Count> sizes;
  double going_on = static_cast<double>(n);
  for (std::size_t scale = 0; scale < scales; ++scale) {
    if (scale >= kFirstScales && options.strategy != Strategy::exhaustive) going_on /= 3;
    const auto size = static_cast<Count>(std::ceil(going_on - 1e-9));
    sizes.push_back(std::min(n, std::max(size, few_finalists(options))));
  }
  return sizes;
}

NeededFlops needed_flops(const SearchProblem& problem, const HalvingOptions& options) {
  const auto n = static_cast<Count>(problem.candidates.size()) - 1;
  const std::vector<Count> sizes = rung_sizes(n, problem.scales(), options);
  NeededFlops needed;
  for (std::size_t scale = 0; scale < problem.scales(); ++scale) {
    double runs = static_cast<double>(sizes[scale] + 1);
    // One more round of rates for everybody, and the cheapest scale again at another rate.
    if (scale == 1 && options.tunes_rate) runs *= 4;
    if (scale == 0 && options.tunes_rate) runs *= 2;
    const double flops =
        runs * static_cast<double>(options.seeds) * mean_flops(problem.candidates, scale);
    needed.all += flops;
    if (scale < kFirstScales) needed.first_rung += flops;
  }
  needed.all +=
      confirmation_flops(problem.candidates, options, std::min(n, few_finalists(options)));
  return needed;
}

/// One walk through all stages, as far as results reach.
class HalvingWalk {
 public:
  HalvingWalk(Halving& search, const TrialResults& results)
      : search_(search),
        options_(search.options_),
        results_(results),
        n_first_(search.problem_.candidates.size() - 1) {
    state_.candidates = search.problem_.candidates;
    state_.states.resize(state_.candidates.size());
  }

  HalvingState run() {
    if (is_screened() && is_tuned() && is_first_rung_done() && has_climbed() && is_refined()) {
      if (is_confirmed()) {
        state_.stage = "done";
        state_.batch.clear();
      }
    }
    return std::move(state_);
  }

 private:
  std::size_t scales() const { return search_.problem_.scales(); }
  const Curve* curve_of(const Trial& trial) const {
    return results_(state_.candidates[trial.candidate], trial);
  }
  CandidateState& of(std::size_t c) { return state_.states[c]; }
  double cost(const Trial& trial) const {
    return state_.candidates[trial.candidate].flops[trial.scale];
  }

  std::vector<std::size_t> alive() const {
    std::vector<std::size_t> list;
    for (std::size_t c = 0; c < state_.states.size(); ++c) {
      if (state_.states[c].is_alive) list.push_back(c);
    }
    return list;
  }

  /// Asks for the runs of a stage. False: some are still to come.
  bool ask(const std::string& stage, const std::vector<Trial>& trials) {
    state_.stage = stage;
    bool is_complete = true;
    for (const Trial& trial : trials) {
      state_.flops += cost(trial);
      of(trial.candidate).flops += cost(trial);
      is_complete = is_complete && curve_of(trial) != nullptr;
    }
    if (!is_complete) state_.batch = trials;
    return is_complete;
  }

  std::vector<Trial> trials_of(const std::vector<std::size_t>& members, std::size_t scale) const {
    std::vector<Trial> trials;
    for (const std::size_t c : members) {
      for (Count seed = 0; seed < options_.seeds; ++seed)
        trials.push_back({c, scale, state_.states[c].lr_factor, seed, false});
    }
    return trials;
  }

  void note(std::size_t c, const std::string& action, const std::string& reason) {
    const CandidateState& own = of(c);
    state_.decisions.push_back(
        {state_.stage, state_.candidates[c].name, action, reason, std::exp(own.score), own.p_top});
  }

  void drop(std::size_t c, const std::string& action, const std::string& reason) {
    if (c == 0) return;
    of(c).is_alive = false;
    of(c).dropped_at = state_.stage;
    of(c).reason = reason;
    note(c, action, reason);
  }

  /// Mean log loss at the end of a candidate's runs of one rate; infinity where one is unsound.
  double end_score(std::size_t c, std::size_t scale, double lr_factor) const {
    double sum = 0;
    for (Count seed = 0; seed < options_.seeds; ++seed) {
      const Curve* curve = curve_of({c, scale, lr_factor, seed, false});
      const CurvePoint* end = curve == nullptr ? nullptr : sound_end(*curve);
      if (end == nullptr) return kInfinity;
      sum += std::log(end->loss);
    }
    return sum / static_cast<double>(options_.seeds);
  }

  /// Those with an unsound run at a scale leave; dense may not.
  void drop_unsound(const std::vector<std::size_t>& members, std::size_t scale) {
    for (const std::size_t c : members) {
      if (std::isfinite(end_score(c, scale, of(c).lr_factor))) {
        of(c).scales = static_cast<Count>(scale) + 1;
        continue;
      }
      if (c == 0) {
        throw Error("dense did not train",
                    {.where = fmt::format("scale {} of {}", scale + 1, scales()),
                     .expected = "a finite loss: everything is compared with it",
                     .hint = "a smaller --lr"});
      }
      for (Count seed = 0; seed < options_.seeds && of(c).is_alive; ++seed) {
        const Curve* curve = curve_of({c, scale, of(c).lr_factor, seed, false});
        if (sound_end(*curve) != nullptr) continue;
        const bool has_failed =
            curve->points.empty() || curve->points.back().status == RunStatus::failed;
        const std::string reason =
            has_failed ? "failed: " + (curve->reason.empty() ? "no result" : curve->reason)
                       : fmt::format("diverged at width {} after {} updates",
                                     curve->width,
                                     curve->points.back().step);
        drop(c, has_failed ? "failed" : "diverged", reason);
      }
    }
  }

  /// Whether dense was better than the candidate's last loss after a sixteenth of its compute.
  bool is_hopeless(std::size_t c) const {
    const Curve* dense = curve_of({0, 0, 1, 0, false});
    const double loss = std::exp(end_score(c, 0, 1));
    for (const CurvePoint& point : dense->points) {
      if (point.train_flops > kHopeless * dense->points.back().train_flops) return false;
      if (point.step > 0 && point.loss <= loss) return true;
    }
    return false;
  }

  bool is_screened() {
    const std::vector<std::size_t> members = alive();
    if (!ask("screening", trials_of(members, 0))) return false;
    // A rate that is too high for dense may be mended by tuning; so may anybody's.
    std::vector<std::size_t> sound;
    for (const std::size_t c : members) {
      if (c != 0 || !options_.tunes_rate || std::isfinite(end_score(c, 0, 1))) sound.push_back(c);
    }
    drop_unsound(sound, 0);
    if (std::find(sound.begin(), sound.end(), std::size_t{0}) == sound.end()) return true;
    for (const std::size_t c : members) {
      if (!of(c).is_alive || c == 0 || !is_hopeless(c)) continue;
      drop(c, "hopeless", "dense was better after a sixteenth of the compute");
    }
    return true;
  }

  /// The factor of least loss among those tried, in ascending order; the first of equals.
  std::size_t best_rate(std::size_t c, const std::vector<double>& tried) const {
    std::size_t best = 0;
    double least = kInfinity;
    for (std::size_t i = 0; i < tried.size(); ++i) {
      const double score = end_score(c, 1, tried[i]);
      if (score < least) {
        least = score;
        best = i;
      }
    }
    return best;
  }

  bool is_tuned() {
    const std::vector<std::size_t> members = alive();
    const std::vector<double> factors = rate_factors(options_);
    std::vector<Trial> trials;
    for (const std::size_t c : members) {
      for (const double factor : factors) {
        for (Count seed = 0; seed < options_.seeds; ++seed)
          trials.push_back({c, 1, factor, seed, false});
      }
    }
    if (!ask("tuning", trials)) return false;
    std::map<std::size_t, std::vector<double>> tried;
    for (const std::size_t c : members) tried[c] = factors;
    for (int round = 0; round < kRateExtensions && options_.tunes_rate; ++round) {
      if (!is_tuning_extended(members, tried, round)) return false;
    }
    state_.stage = "tuning";
    for (const std::size_t c : members) {
      const std::size_t best = best_rate(c, tried[c]);
      of(c).lr_factor = tried[c][best];
      of(c).is_rate_at_edge = options_.tunes_rate && (best == 0 || best + 1 == tried[c].size());
      if (of(c).lr_factor == 1 && !of(c).is_rate_at_edge) continue;
      note(
          c,
          of(c).is_rate_at_edge ? "lr_edge" : "rate",
          fmt::format(
              "best at {:g} times the rule's rate, of {} tried", of(c).lr_factor, tried[c].size()));
    }
    drop_unsound(members, 1);
    return true;
  }

  bool is_tuning_extended(const std::vector<std::size_t>& members,
                          std::map<std::size_t, std::vector<double>>& tried,
                          int round) {
    std::vector<Trial> trials;
    double flops = 0;
    for (const std::size_t c : members) {
      std::vector<double>& factors = tried[c];
      const std::size_t best = best_rate(c, factors);
      if (best != 0 && best + 1 != factors.size()) continue;
      if (!std::isfinite(end_score(c, 1, factors[best]))) continue;
      const double factor = best == 0 ? factors.front() / 2 : factors.back() * 2;
      for (Count seed = 0; seed < options_.seeds; ++seed) {
        trials.push_back({c, 1, factor, seed, false});
        flops += cost(trials.back());
      }
    }
    if (trials.empty()) return true;
    if (state_.flops + flops + reserve_after(1) > options_.budget) {
      state_.notes.push_back(fmt::format(
          "{} structure(s) with the best rate at an end could not be tried further: the budget",
          trials.size() / static_cast<std::size_t>(options_.seeds)));
      return true;
    }
    if (!ask(fmt::format("tuning, extension {}", round + 1), trials)) return false;
    for (const Trial& trial : trials) {
      if (trial.seed != 0) continue;
      std::vector<double>& factors = tried[trial.candidate];
      factors.push_back(trial.lr_factor);
      std::sort(factors.begin(), factors.end());
    }
    return true;
  }

  bool is_first_rung_done() {
    const std::vector<std::size_t> members = alive();
    std::vector<std::size_t> moved;
    for (const std::size_t c : members) {
      if (of(c).lr_factor != 1) moved.push_back(c);
    }
    std::vector<Trial> trials = trials_of(moved, 0);
    const std::vector<Trial> third = trials_of(members, 2);
    trials.insert(trials.end(), third.begin(), third.end());
    if (!ask("first rung", trials)) return false;
    drop_unsound(moved, 0);
    std::vector<std::size_t> left;
    for (const std::size_t c : members) {
      if (of(c).is_alive) left.push_back(c);
    }
    drop_unsound(left, 2);
    return true;
  }

  /// FLOPs kept for what comes after `scale`, with no ties and few finalists.
  double reserve_after(std::size_t scale) const {
    const std::vector<Count> sizes = rung_sizes(static_cast<Count>(n_first_), scales(), options_);
    double flops = 0;
    for (std::size_t s = scale + 1; s < scales(); ++s) {
      flops += static_cast<double>((sizes[s] + 1) * options_.seeds) *
               mean_flops(search_.problem_.candidates, s);
    }
    if (scale == 1)
      flops += mean_flops(search_.problem_.candidates, 0) *
               static_cast<double>((sizes[0] + 1) * options_.seeds);
    return flops +
           confirmation_flops(search_.problem_.candidates,
                              options_,
                              std::min(static_cast<Count>(n_first_), few_finalists(options_)));
  }

  /// Judges all candidates by their runs at two scales or more.
  const Prediction& predict(std::vector<std::size_t>& judged) {
    std::vector<SelectionRuns> structures;
    std::string key = state_.stage;
    for (std::size_t c = 0; c < state_.states.size(); ++c) {
      SelectionRuns structure{state_.candidates[c].name, {}};
      for (std::size_t scale = 0; scale < static_cast<std::size_t>(of(c).scales); ++scale) {
        for (Count seed = 0; seed < options_.seeds; ++seed) {
          const Curve* curve = curve_of({c, scale, of(c).lr_factor, seed, false});
          if (curve == nullptr || sound_end(*curve) == nullptr) continue;
          structure.runs.push_back(curve);
          key += fmt::format(" {} {} {:a}", structure.name, curve->run, curve->points.back().loss);
        }
      }
      if (of(c).scales < 2) continue;
      judged.push_back(c);
      structures.push_back(std::move(structure));
    }
    key = digest(key);
    const auto known = search_.predictions_.find(key);
    if (known != search_.predictions_.end()) return known->second;
    PredictionOptions request{.target = options_.target,
                              .n_replicates = options_.n_replicates,
                              .seed = options_.seed,
                              .n_threads = options_.n_threads};
    return search_.predictions_[key] = predict_at_target(structures, request);
  }

  /// Scores everybody by results so far; returns those alive but dense, the best first, with the
  /// probability of being among the k best where the strategy asks for it.
  std::vector<std::size_t> rank(std::size_t next_scale, std::size_t k) {
    std::vector<std::size_t> judged;
    const Prediction& prediction = predict(judged);
    std::vector<std::size_t> members, numbers;
    for (std::size_t i = 0; i < judged.size(); ++i) {
      const std::size_t c = judged[i];
      of(c).score = prediction.score[i];
      if (c == 0 || !of(c).is_alive) continue;
      members.push_back(c);
      numbers.push_back(i);
    }
    const std::vector<double> p_top = probability_in_top(prediction, numbers, k);
    for (std::size_t i = 0; i < members.size(); ++i) of(members[i]).p_top = p_top[i];
    std::vector<double> key(state_.states.size(), 0);
    const RandomStream chance(
        options_.seed, StreamId::search_order, static_cast<std::uint32_t>(next_scale));
    for (const std::size_t c : members) {
      key[c] = of(c).score;
      if (options_.strategy == Strategy::last_loss)
        key[c] = end_score(c, next_scale - 1, of(c).lr_factor);
      if (options_.strategy == Strategy::random) key[c] = chance.uniform(c);
    }
    std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
      return key[a] < key[b];
    });
    return members;
  }

  /// Promotes to `scale`; the others leave.
  std::vector<std::size_t> promote(std::size_t scale) {
    state_.stage = fmt::format("rung {}", scale - kFirstScales + 2);
    const std::vector<Count> sizes = rung_sizes(static_cast<Count>(n_first_), scales(), options_);
    const auto k = static_cast<std::size_t>(sizes[scale]);
    const std::vector<std::size_t> order = rank(scale, k);
    const double reserve = reserve_after(scale);
    double flops =
        state_.flops + static_cast<double>(options_.seeds) * state_.candidates[0].flops[scale];
    std::vector<std::size_t> going_on = {0};
    std::set<std::size_t> chosen;
    const auto choose = [&](std::size_t c, const std::string& action, const std::string& reason) {
      const double own = static_cast<double>(options_.seeds) * state_.candidates[c].flops[scale];
      // The reserve is made of mean costs: what was planned may draw on it, ties may not.
      const double kept = chosen.size() < k ? 0 : reserve;
      if (flops + own + kept > options_.budget) return;
      flops += own;
      chosen.insert(c);
      going_on.push_back(c);
      note(c, action, reason);
    };
    std::set<std::string> families;
    const bool has_slots = options_.strategy == Strategy::halving && k < order.size();
    for (const std::size_t c : order) {
      if (!has_slots || chosen.size() >= k / 2) break;
      const std::string& family = state_.candidates[c].family;
      if (!families.insert(family).second) continue;
      choose(c, "promoted", "the best of " + family);
    }
    for (const std::size_t c : order) {
      if (chosen.size() >= k) break;
      if (!chosen.contains(c)) choose(c, "promoted", std::string("by ") + criterion());
    }
    if (options_.strategy == Strategy::halving) {
      std::vector<std::size_t> ties;
      for (const std::size_t c : order) {
        if (!chosen.contains(c) && of(c).p_top > options_.tie_probability) ties.push_back(c);
      }
      std::stable_sort(ties.begin(), ties.end(), [&](std::size_t a, std::size_t b) {
        return of(a).p_top > of(b).p_top;
      });
      for (const std::size_t c : ties) {
        if (chosen.size() >= 2 * k) break;
        choose(c, "tie", fmt::format("in the top {} with probability {:.2f}", k, of(c).p_top));
      }
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (chosen.contains(order[i])) continue;
      drop(order[i],
           "dropped",
           fmt::format("place {} of {} by {}", i + 1, order.size(), criterion()));
    }
    return going_on;
  }

  const char* criterion() const {
    switch (options_.strategy) {
      case Strategy::last_loss:
        return "the last loss";
      case Strategy::random:
        return "chance";
      default:
        return "the loss predicted at the target";
    }
  }

  bool has_climbed() {
    for (std::size_t scale = kFirstScales; scale < scales(); ++scale) {
      const std::vector<std::size_t> going_on = promote(scale);
      if (!ask(state_.stage, trials_of(going_on, scale))) return false;
      drop_unsound(going_on, scale);
    }
    state_.stage = "selection";
    state_.order = rank(scales(), static_cast<std::size_t>(few_finalists(options_)));
    return true;
  }

  bool is_refined() {
    if (!search_.problem_.neighbours || options_.strategy == Strategy::random) return true;
    const double best_of_lattice = state_.order.empty() ? kInfinity : of(state_.order[0]).score;
    for (int round = 1; round <= kRefinements; ++round) {
      bool has_room = true;
      if (!is_refined_once(round, has_room)) return false;
      if (!has_room) break;
    }
    if (state_.n_neighbours > 0) {
      std::size_t best = state_.order.front();
      state_.neighbours_won = best > n_first_ && of(best).score < best_of_lattice;
    }
    return true;
  }

  /// Neighbours of the best three that nobody has tried, in turn, as far as the budget reaches.
  std::vector<std::size_t> add_neighbours(int round, double room) {
    std::set<std::string> known;
    for (const SearchCandidate& candidate : state_.candidates) known.insert(candidate.name);
    const std::vector<std::size_t> parents(
        state_.order.begin(),
        state_.order.begin() +
            static_cast<std::ptrdiff_t>(std::min(kParents, state_.order.size())));
    std::vector<std::vector<SearchCandidate>> lists;
    std::size_t longest = 0;
    for (const std::size_t parent : parents) {
      lists.push_back(search_.problem_.neighbours(state_.candidates[parent].name, round));
      longest = std::max(longest, lists.back().size());
    }
    // The best of them have to be affordable up to the largest scale.
    double climbing = 0;
    for (std::size_t s = kFirstScales; s < scales(); ++s)
      climbing += static_cast<double>(kPromotedNeighbours) * static_cast<double>(options_.seeds) *
                  mean_flops(search_.problem_.candidates, s);
    room -= climbing;
    std::vector<std::size_t> added;
    for (std::size_t i = 0; i < longest; ++i) {
      for (std::size_t p = 0; p < parents.size(); ++p) {
        if (i >= lists[p].size()) continue;
        const SearchCandidate& candidate = lists[p][i];
        if (!known.insert(candidate.name).second) continue;
        double flops = 0;
        for (std::size_t s = 0; s < kFirstScales; ++s)
          flops += static_cast<double>(options_.seeds) * candidate.flops[s];
        if (flops > room) return added;
        room -= flops;
        added.push_back(state_.candidates.size());
        state_.candidates.push_back(candidate);
        state_.states.emplace_back();
        of(added.back()).lr_factor = of(parents[p]).lr_factor;  // a neighbour's rate is as good
      }
    }
    return added;
  }

  bool is_refined_once(int round, bool& has_room) {
    state_.stage = fmt::format("refinement {}", round);
    const double reserve =
        confirmation_flops(search_.problem_.candidates,
                           options_,
                           std::min(static_cast<Count>(n_first_), few_finalists(options_)));
    const std::vector<std::size_t> added =
        add_neighbours(round, options_.budget - state_.flops - reserve);
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
      if (!ask(fmt::format("refinement {}, scale {}", round, scale + 1),
               trials_of(climbing, scale)))
        return false;
      drop_unsound(climbing, scale);
      std::erase_if(climbing, [&](std::size_t c) { return !of(c).is_alive; });
    }
    state_.stage = fmt::format("refinement {}", round);
    state_.order = rank(scales(), static_cast<std::size_t>(few_finalists(options_)));
    return true;
  }

  Count finalists_within_budget() const {
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

  bool is_confirmed() {
    std::vector<std::size_t> judged;
    state_.stage = "selection";
    state_.selection = predict(judged);
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
    state_.confirmation = confirm(runs, options_.seed);
    return true;
  }

  Halving& search_;
  const HalvingOptions& options_;
  const TrialResults& results_;
  std::size_t n_first_;
  HalvingState state_;
};

Halving::Halving(SearchProblem problem, const HalvingOptions& options)
    : problem_(std::move(problem)), options_(options) {
  if (problem_.scales() < kFirstScales) {
    throw Error("too few scales",
                {.expected = fmt::format("at least {}", kFirstScales),
                 .got = std::to_string(problem_.scales())});
  }
  const std::vector<double>& dense = problem_.candidates.front().flops;
  if (options_.target <= 0) options_.target = dense.back();
  if (options_.target < dense.front()) {
    throw Error("a target below the data",
                {.where = "--target-compute",
                 .expected = fmt::format("at least {:.3g} training FLOPs, the cheapest scale",
                                         dense.front()),
                 .got = fmt::format("{:.3g}", options_.target)});
  }
  const NeededFlops needed = needed_flops(problem_, options_);
  if (options_.budget < needed.all) {
    throw Error("too small a budget",
                {.where = "--budget",
                 .expected = fmt::format("at least {:.3g} training FLOPs ({:.3g} for the first "
                                         "rung alone) for {} structures",
                                         needed.all,
                                         needed.first_rung,
                                         problem_.candidates.size()),
                 .got = fmt::format("{:.3g}", options_.budget),
                 .hint = "fewer structures (--design taxonomy:20), smaller scales"});
  }
}

HalvingState Halving::next(const TrialResults& results) {
  return HalvingWalk(*this, results).run();
}

}  // namespace einsearch
