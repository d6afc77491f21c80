// The walk of search/halving.h through its stages; for the two files that define it.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>

#include "search/halving.h"

namespace einsearch {

inline constexpr std::size_t kFirstScales = 3;  // of the first rung

/// Finalists without ties and with no budget to spare.
Count few_finalists(const HalvingOptions& options);

/// Training FLOPs of a mean candidate's run at a scale.
double mean_flops(const std::vector<SearchCandidate>& candidates, std::size_t scale);

/// Of so many mean finalists and dense.
double confirmation_flops(const std::vector<SearchCandidate>& candidates,
                          const HalvingOptions& options,
                          Count finalists);

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
  HalvingState run();

 private:
  std::size_t scales() const { return search_.problem_.scales(); }
  const Curve* curve_of(const Trial& trial) const {
    return results_(state_.candidates[trial.candidate], trial);
  }
  CandidateState& of(std::size_t c) { return state_.states[c]; }
  double cost(const Trial& trial) const {
    return state_.candidates[trial.candidate].flops[trial.scale];
  }
  bool is_halving() const {
    return options_.strategy == Strategy::halving || options_.strategy == Strategy::surrogate;
  }
  std::vector<std::size_t> alive() const;
  /// Asks for the runs of a stage. False: some are still to come.
  bool ask(const std::string& stage, const std::vector<Trial>& trials);
  std::vector<Trial> trials_of(const std::vector<std::size_t>& members, std::size_t scale) const;
  void note(std::size_t c, const std::string& action, const std::string& reason);
  void drop(std::size_t c, const std::string& action, const std::string& reason);
  /// Mean log loss at the end of a candidate's runs of one rate; infinity where one is unsound.
  double end_score(std::size_t c, std::size_t scale, double lr_factor) const;
  /// Those with an unsound run at a scale leave; dense may not.
  void drop_unsound(const std::vector<std::size_t>& members, std::size_t scale);
  /// Whether dense was better than the candidate's last loss after a sixteenth of its compute.
  bool is_hopeless(std::size_t c) const;
  bool is_screened();
  /// The factor of least loss among those tried, in ascending order; the first of equals.
  std::size_t best_rate(std::size_t c, const std::vector<double>& tried) const;
  bool is_tuned();
  bool is_tuning_extended(const std::vector<std::size_t>& members,
                          std::map<std::size_t, std::vector<double>>& tried,
                          int round);
  bool is_first_rung_done();
  /// FLOPs kept for what comes after `scale`, with no ties and few finalists.
  double reserve_after(std::size_t scale) const;
  /// Judges all candidates with runs at two scales or more by the largest `most_scales` of each.
  const Prediction& predict(std::vector<std::size_t>& judged, std::size_t most_scales);
  /// Scores everybody by results so far; returns those alive but dense, the best first, with the
  /// probability of being among the k best where the strategy asks for it.
  std::vector<std::size_t> rank(std::size_t next_scale, std::size_t k);
  /// Promotes to `scale`; the others leave.
  std::vector<std::size_t> promote(std::size_t scale);
  const char* criterion() const;
  bool has_climbed();
  bool is_refined();
  /// Neighbours of the best three, in turn.
  std::vector<Offer> offer_neighbours(int round) const;
  /// What a surrogate of everybody's multiplier offers.
  std::vector<Offer> offer_by_surrogate(int round);
  /// Of the offers those that nobody has tried, as far as the budget reaches.
  std::vector<std::size_t> add_offers(const std::vector<Offer>& offers, double room);
  bool is_refined_once(int round, bool& has_room);
  Count finalists_within_budget() const;
  bool is_confirmed();

  Halving& search_;
  const HalvingOptions& options_;
  const TrialResults& results_;
  std::size_t n_first_;
  HalvingState state_;
};

}  // namespace einsearch
