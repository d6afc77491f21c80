// A search at work: asks search/halving.h what to run next, runs it into a store, and so on.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "search/halving.h"
#include "search/search_scales.h"
#include "search/store.h"

namespace einsearch {

/// Trains the runs of a plan, or the part that is this process's, into the store.
using RunStage = std::function<void(const Plan& plan, const HalvingState& state)>;

class SearchLoop {
 public:
  /// `structures` are those of the problem's candidates, in order. Neighbours off the lattice
  /// 1/`grid` are tried too (0: none), or what a surrogate offers, as the strategy says.
  SearchLoop(SearchProtocol protocol,
             std::vector<ScaledStructure> structures,
             SearchProblem problem,
             const HalvingOptions& options,
             int grid = 0);
  SearchLoop(const SearchLoop&) = delete;
  SearchLoop& operator=(const SearchLoop&) = delete;

  /// Runs stages until the search is over, or until a stage's runs are not all in the store after
  /// `run_stage`: then the state's batch is not empty.
  HalvingState run(RunStore& store, const RunStage& run_stage);

  /// All runs of a stage, done or not, in the order of its batch.
  Plan plan_of(const HalvingState& state) const;

  /// Every curve that the search has looked at, by run, once each.
  std::vector<Curve> curves() const;

  const ScaledStructure& structure(const std::string& name) const { return structures_.at(name); }
  const HalvingOptions& options() const { return halving_.options(); }
  const SearchProtocol& protocol() const { return protocol_; }

 private:
  const Curve* look_up(RunStore& store, const Trial& trial, const std::string& name);
  std::vector<SearchCandidate> neighbours(const std::string& name, int round);
  SurrogateOffers offers(const std::vector<Judgement>& judged, int round);
  /// Scales a new structure, unless its program is known already or no width matches.
  std::optional<SearchCandidate> admit(const Structure& structure, const std::string& origin);
  const PlannedRun& planned(const Trial& trial, const std::string& name) const;

  SearchProtocol protocol_;
  std::map<std::string, ScaledStructure> structures_;  // by name
  int grid_;
  std::set<std::vector<Index>> programs_;
  std::map<std::pair<std::string, int>, std::vector<SearchCandidate>> neighbours_;
  std::map<int, SurrogateOffers> offers_;  // by round: what was judged before it does not change
  Halving halving_;
  mutable std::map<std::pair<std::string, Trial>, PlannedRun> planned_;
  std::map<std::string, Curve> curves_;  // by run
};

}  // namespace einsearch
