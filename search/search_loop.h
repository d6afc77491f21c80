// A search at work: asks search/halving.h what to run next, runs it into a store, and so on.
#pragma once

#include <functional>
#include <map>
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
  /// `structures` are those of the problem's candidates, in order.
  SearchLoop(SearchProtocol protocol,
             std::vector<ScaledStructure> structures,
             SearchProblem problem,
             const HalvingOptions& options);

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
  const PlannedRun& planned(const Trial& trial, const std::string& name) const;

  SearchProtocol protocol_;
  std::map<std::string, ScaledStructure> structures_;  // by name
  Halving halving_;
  mutable std::map<std::pair<std::string, Trial>, PlannedRun> planned_;
  std::map<std::string, Curve> curves_;  // by run
};

}  // namespace einsearch
