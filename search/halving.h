// Successive halving over scales: which runs a search asks for next, given the results it has.
//
//   screening      everybody at the cheapest scale; the diverged and the hopeless leave
//   tuning         at the second scale the rates {1/2, 1, 2} times the rule's, for everybody alike,
//                  twice more where the best is at an end; everybody keeps its best rate
//   first rung     the first three scales at that rate
//   rungs 2, 3 ... one third goes on to the next scale, ...
//   refinement     in two rounds: neighbours of the best three off the lattice (halving,
//                  last-loss), or what a surrogate expects most of (surrogate)
//   confirmation   the final few and dense, at the two largest scales, with fresh seeds
//
// Who goes on: by the loss that a structure's three largest scales so far predict at the target
// (search/promotion.h). Half of the places go to the best of each family, the others to the best;
// whoever is among the best with a probability above 10 % stays too, at most half as many again and
// as far as the budget reaches; dense always stays.
//
// Decisions are a function of the problem, the options and the results alone: nothing is
// remembered, so a search that is killed, split or replayed decides the same. Execution is
// search/search_loop.h.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "search/confirmation.h"
#include "search/promotion.h"

namespace einsearch {

enum class Strategy {
  halving,
  exhaustive,  ///< everybody at all scales
  last_loss,   ///< halving by the loss at the largest scale so far
  random,      ///< halving by chance
  surrogate,   ///< halving, and refinement where a Gaussian process expects most
};

/// Names as typed after --strategy: halving, exhaustive, last-loss, random, surrogate.
const std::vector<std::string>& strategy_names();
Strategy parse_strategy(const std::string& name);

struct SearchCandidate {
  std::string name;
  std::string family;
  std::vector<double> flops;  ///< training FLOPs of a run at each scale
  /// Empty: the space; "control"; "off the lattice, from NAME"; "surrogate, near NAME".
  std::string origin = {};
};

/// One run of a search.
struct Trial {
  std::size_t candidate = 0;
  std::size_t scale = 0;
  double lr_factor = 1;
  Count seed = 0;
  bool is_confirmation = false;

  auto operator<=>(const Trial&) const = default;
};

/// The curve of a trial of this candidate; nullptr while it has not been run. The pointer stays
/// valid during Halving::next().
using TrialResults = std::function<const Curve*(const SearchCandidate&, const Trial&)>;

/// A candidate that refinement may try, and the one whose learning rate it takes over.
struct Offer {
  SearchCandidate candidate;
  std::size_t like = 0;
};

/// How a candidate was judged: log of its compute multiplier over dense, and that number's
/// deviation.
struct Judgement {
  std::size_t candidate = 0;
  std::string name;
  double log_multiplier = kMissing;
  double deviation = kMissing;
};

/// Offers of a surrogate that knows the judgements, the most promising first, and how well it
/// predicts them: root mean square leave-one-out error, and deviation about their mean.
struct SurrogateOffers {
  std::vector<Offer> list;
  double leave_one_out_error = kMissing, spread = kMissing;
};

struct SearchProblem {
  std::vector<SearchCandidate> candidates;  ///< dense first
  /// Neighbours of a candidate at half (round 1) or a quarter (round 2) of the lattice's step;
  /// empty: there is no lattice. They are numbered after those that are known, as they come.
  std::function<std::vector<SearchCandidate>(const std::string& name, int round)> neighbours = {};
  /// What a surrogate offers in a round; of the surrogate strategy, and empty otherwise.
  std::function<SurrogateOffers(const std::vector<Judgement>& judged, int round)> surrogate = {};

  std::size_t scales() const { return candidates.front().flops.size(); }
};

struct HalvingOptions {
  Strategy strategy = Strategy::halving;
  double budget = kInfinity;     ///< training FLOPs
  double target = 0;             ///< training FLOPs; 0: the largest scale
  Count finalists = 0;           ///< 0: 3, or 8 where the budget allows
  Count seeds = 1;               ///< of each run before confirmation
  Count confirmation_seeds = 3;  ///< 0: no confirmation
  bool tunes_rate = true;
  double tie_probability = 0.1;
  Count n_replicates = 200;
  std::uint64_t seed = 0;  ///< of replicates and of the random strategy
  int n_threads = 1;
};

struct Decision {
  std::string stage, structure, action, reason;
  double predicted_loss = kMissing;  ///< at the target
  double p_top = kMissing;           ///< of being among those who go on
};

/// What became of a candidate.
struct CandidateState {
  bool is_alive = true;
  std::string dropped_at, reason;
  double lr_factor = 1;
  bool is_rate_at_edge = false;
  Count scales = 0;         ///< that it was judged on
  double score = kMissing;  ///< log loss predicted at the target
  double p_top = kMissing;
  double flops = 0;  ///< of all its runs
};

struct HalvingState {
  std::vector<SearchCandidate> candidates;  ///< the problem's and the neighbours
  std::vector<CandidateState> states;
  std::string stage;
  std::vector<Trial> batch;  ///< all runs of the stage, done or not; empty: the search is over
  double flops = 0;          ///< of all runs asked for so far
  std::vector<Decision> decisions;
  std::vector<std::string> notes;
  // At the end:
  std::vector<std::size_t> order;       ///< candidates but dense, the best first
  std::vector<std::size_t> finalists;   ///< the best first
  std::optional<Prediction> selection;  ///< of all with two scales or more
  std::vector<std::size_t> selected;    ///< candidates, in the order of `selection`
  std::optional<Confirmation> confirmation;
  Count n_neighbours = 0;              ///< tried in refinement
  std::optional<bool> neighbours_won;  ///< whether one is predicted better than all of the space
};

/// What one scale costs before confirmation, or confirmation, with no ties and as few finalists as
/// may be; of tuning, as if everybody tried one round of rates more.
struct StageCost {
  std::optional<std::size_t> scale;  ///< none: confirmation, at the two largest
  Count structures = 0;              ///< with dense
  Count runs = 0;
  double flops = 0;  ///< training FLOPs of all of them
};
std::vector<StageCost> stage_costs(const SearchProblem& problem, const HalvingOptions& options);

/// The sum of them, and the first rung alone.
struct NeededFlops {
  double first_rung = 0;
  double all = 0;
};
NeededFlops needed_flops(const SearchProblem& problem, const HalvingOptions& options);

/// Throws Error that says how much so many structures beside dense need.
[[noreturn]] void refuse_budget(double budget, const NeededFlops& needed, std::size_t structures);

/// How many of n candidates are trained at each scale, ties and dense left out.
std::vector<Count> rung_sizes(Count n, std::size_t scales, const HalvingOptions& options);

class Halving {
 public:
  /// Throws Error for fewer than three scales, a target below the cheapest of them, a budget that
  /// does not reach.
  Halving(SearchProblem problem, const HalvingOptions& options);

  /// The next runs, or the end. Fits of results that were there before are kept.
  HalvingState next(const TrialResults& results);

  const SearchProblem& problem() const { return problem_; }
  const HalvingOptions& options() const { return options_; }

 private:
  friend class HalvingWalk;
  SearchProblem problem_;
  HalvingOptions options_;
  std::map<std::string, Prediction> predictions_;  ///< by stage and runs
};

}  // namespace einsearch
