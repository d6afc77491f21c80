#include "search/halving_walk.h"

#include <fmt/format.h>

#include <map>

#include "base/digest.h"
#include "base/error.h"
#include "base/random.h"

namespace einsearch {
namespace {

constexpr int kRateExtensions = 2;
constexpr double kLearnt = 0.9;         // of the untrained loss: above it nothing is learnt yet
constexpr double kHopeless = 1.0 / 16;  // of the compute after which dense was better already

std::vector<double> rate_factors(const HalvingOptions& options) {
  return options.tunes_rate ? std::vector<double>{0.5, 1, 2} : std::vector<double>{1};
}

}  // namespace

HalvingState HalvingWalk::run() {
  if (is_screened() && is_tuned() && is_first_rung_done() && has_climbed() && is_refined()) {
    if (is_confirmed()) {
      state_.stage = "done";
      state_.batch.clear();
    }
  }
  return std::move(state_);
}

std::vector<std::size_t> HalvingWalk::alive() const {
  std::vector<std::size_t> list;
  for (std::size_t c = 0; c < state_.states.size(); ++c) {
    if (state_.states[c].is_alive) list.push_back(c);
  }
  return list;
}

bool HalvingWalk::ask(const std::string& stage, const std::vector<Trial>& trials) {
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

std::vector<Trial> HalvingWalk::trials_of(const std::vector<std::size_t>& members,
                                          std::size_t scale) const {
  std::vector<Trial> trials;
  for (const std::size_t c : members) {
    for (Count seed = 0; seed < options_.seeds; ++seed)
      trials.push_back({c, scale, state_.states[c].lr_factor, seed, false});
  }
  return trials;
}

void HalvingWalk::note(std::size_t c, const std::string& action, const std::string& reason) {
  const CandidateState& own = of(c);
  state_.decisions.push_back(
      {state_.stage, state_.candidates[c].name, action, reason, std::exp(own.score), own.p_top});
}

void HalvingWalk::drop(std::size_t c, const std::string& action, const std::string& reason) {
  if (c == 0) return;
  of(c).is_alive = false;
  of(c).dropped_at = state_.stage;
  of(c).reason = reason;
  note(c, action, reason);
}

double HalvingWalk::end_score(std::size_t c, std::size_t scale, double lr_factor) const {
  double sum = 0;
  for (Count seed = 0; seed < options_.seeds; ++seed) {
    const Curve* curve = curve_of({c, scale, lr_factor, seed, false});
    const CurvePoint* end = curve == nullptr ? nullptr : sound_end(*curve);
    if (end == nullptr) return kInfinity;
    sum += std::log(end->loss);
  }
  return sum / static_cast<double>(options_.seeds);
}

void HalvingWalk::drop_unsound(const std::vector<std::size_t>& members, std::size_t scale) {
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

bool HalvingWalk::is_hopeless(std::size_t c) const {
  const Curve* dense = curve_of({0, 0, 1, 0, false});
  const double loss = std::exp(end_score(c, 0, 1));
  const double untrained = dense->points.front().loss;
  for (const CurvePoint& point : dense->points) {
    if (point.train_flops > kHopeless * dense->points.back().train_flops) return false;
    if (point.loss < kLearnt * untrained && point.loss <= loss) return true;
  }
  return false;
}

bool HalvingWalk::is_screened() {
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

std::size_t HalvingWalk::best_rate(std::size_t c, const std::vector<double>& tried) const {
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

bool HalvingWalk::is_tuned() {
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
    note(c,
         of(c).is_rate_at_edge ? "lr_edge" : "rate",
         fmt::format(
             "best at {:g} times the rule's rate, of {} tried", of(c).lr_factor, tried[c].size()));
  }
  drop_unsound(members, 1);
  return true;
}

bool HalvingWalk::is_tuning_extended(const std::vector<std::size_t>& members,
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

bool HalvingWalk::is_first_rung_done() {
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

double HalvingWalk::reserve_after(std::size_t scale) const {
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

const Prediction& HalvingWalk::predict(std::vector<std::size_t>& judged, std::size_t most_scales) {
  std::vector<SelectionRuns> structures;
  std::string key = state_.stage;
  for (std::size_t c = 0; c < state_.states.size(); ++c) {
    SelectionRuns structure{state_.candidates[c].name, {}};
    const auto n_scales = static_cast<std::size_t>(of(c).scales);
    const std::size_t first = n_scales > most_scales ? n_scales - most_scales : 0;
    for (std::size_t scale = first; scale < n_scales; ++scale) {
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

std::vector<std::size_t> HalvingWalk::rank(std::size_t next_scale, std::size_t k) {
  std::vector<std::size_t> judged;
  const Prediction& prediction = predict(judged, kJudgedScales);
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

std::vector<std::size_t> HalvingWalk::promote(std::size_t scale) {
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
  const bool has_slots = is_halving() && k < order.size();
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
  if (is_halving()) {
    std::vector<std::size_t> ties;
    for (const std::size_t c : order) {
      if (!chosen.contains(c) && of(c).p_top > options_.tie_probability) ties.push_back(c);
    }
    std::stable_sort(ties.begin(), ties.end(), [&](std::size_t a, std::size_t b) {
      return of(a).p_top > of(b).p_top;
    });
    for (const std::size_t c : ties) {
      if (chosen.size() >= k + (k + 1) / 2) break;
      choose(c, "tie", fmt::format("in the top {} with probability {:.2f}", k, of(c).p_top));
    }
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (chosen.contains(order[i])) continue;
    drop(
        order[i], "dropped", fmt::format("place {} of {} by {}", i + 1, order.size(), criterion()));
  }
  return going_on;
}

const char* HalvingWalk::criterion() const {
  switch (options_.strategy) {
    case Strategy::last_loss:
      return "the last loss";
    case Strategy::random:
      return "chance";
    default:
      return "the loss predicted at the target";
  }
}

bool HalvingWalk::has_climbed() {
  for (std::size_t scale = kFirstScales; scale < scales(); ++scale) {
    const std::vector<std::size_t> going_on = promote(scale);
    if (!ask(state_.stage, trials_of(going_on, scale))) return false;
    drop_unsound(going_on, scale);
  }
  state_.stage = "selection";
  state_.order = rank(scales(), static_cast<std::size_t>(few_finalists(options_)));
  return true;
}

}  // namespace einsearch
