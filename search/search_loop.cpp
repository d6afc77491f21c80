#include "search/search_loop.h"

#include <unordered_set>

#include "base/error.h"
#include "search/neighbours.h"
#include "search/proposals.h"

namespace einsearch {
namespace {

constexpr std::size_t kOffers = 12;  // of a surrogate, in each round

}  // namespace

SearchLoop::SearchLoop(SearchProtocol protocol,
                       std::vector<ScaledStructure> structures,
                       SearchProblem problem,
                       const HalvingOptions& options,
                       int grid)
    : protocol_(std::move(protocol)),
      grid_(grid),
      halving_(
          [&] {
            if (options.strategy == Strategy::surrogate) {
              problem.surrogate = [this](const std::vector<Judgement>& judged, int round) {
                return offers(judged, round);
              };
            } else if (grid > 0) {
              problem.neighbours = [this](const std::string& name, int round) {
                return neighbours(name, round);
              };
            }
            return std::move(problem);
          }(),
          options) {
  for (ScaledStructure& scaled : structures) {
    programs_.insert(program_of(scaled));
    structures_.emplace(scaled.structure.name, std::move(scaled));
  }
}

std::vector<SearchCandidate> SearchLoop::neighbours(const std::string& name, int round) {
  const auto known = neighbours_.find({name, round});
  if (known != neighbours_.end()) return known->second;
  std::vector<SearchCandidate> list;
  for (const Structure& structure : neighbours_of(structures_.at(name).structure, grid_ << round)) {
    std::optional<SearchCandidate> candidate = admit(structure, "off the lattice, from " + name);
    if (candidate) list.push_back(std::move(*candidate));
  }
  return neighbours_[{name, round}] = list;
}

SurrogateOffers SearchLoop::offers(const std::vector<Judgement>& judged, int round) {
  const auto made = offers_.find(round);
  if (made != offers_.end()) return made->second;
  std::vector<KnownStructure> known;
  for (const Judgement& one : judged)
    known.push_back({structures_.at(one.name).structure, one.log_multiplier, one.deviation});
  const Proposals proposals = propose(known, kOffers, options().seed, round);
  SurrogateOffers& offers = offers_[round];
  offers.leave_one_out_error = proposals.leave_one_out_error;
  offers.spread = proposals.spread;
  for (const Proposal& proposal : proposals.list) {
    const Judgement& like = judged[proposal.nearest];
    std::optional<SearchCandidate> candidate =
        admit(proposal.structure, "surrogate, near " + like.name);
    if (candidate) offers.list.push_back({std::move(*candidate), like.candidate});
  }
  return offers;
}

std::optional<SearchCandidate> SearchLoop::admit(const Structure& structure,
                                                 const std::string& origin) {
  if (structures_.contains(structure.name)) return {};
  try {
    ScaledStructure scaled = scale_structure(protocol_, structure);
    if (!programs_.insert(program_of(scaled)).second) return {};
    SearchCandidate candidate = candidate_of(scaled, origin);
    structures_.emplace(structure.name, std::move(scaled));
    return candidate;
  } catch (const Error&) {
    return {};  // no width of it costs what dense costs
  }
}

const PlannedRun& SearchLoop::planned(const Trial& trial, const std::string& name) const {
  // The same run whatever number the candidate has.
  Trial key = trial;
  key.candidate = 0;
  const auto known = planned_.find({name, key});
  if (known != planned_.end()) return known->second;
  return planned_.emplace(std::pair(name, key), planned_run(protocol_, structures_.at(name), trial))
      .first->second;
}

const Curve* SearchLoop::look_up(RunStore& store, const Trial& trial, const std::string& name) {
  const std::string& id = planned(trial, name).id;
  const auto known = curves_.find(id);
  if (known != curves_.end()) return &known->second;
  const StoredRun* stored = store.find(id);
  if (stored == nullptr) return nullptr;
  return &curves_.emplace(id, store.read(*stored).curve).first->second;
}

HalvingState SearchLoop::run(RunStore& store, const RunStage& run_stage) {
  const TrialResults results = [&](const SearchCandidate& candidate, const Trial& trial) {
    return look_up(store, trial, candidate.name);
  };
  while (true) {
    HalvingState state = halving_.next(results);
    if (state.batch.empty()) return state;
    const Plan plan = plan_of(state);
    run_stage(plan, state);
    store.refresh();
    for (const PlannedRun& run : plan.runs) {
      if (store.find(run.id) == nullptr) return state;
    }
  }
}

Plan SearchLoop::plan_of(const HalvingState& state) const {
  Plan plan;
  std::unordered_set<std::string> known;
  for (const Trial& trial : state.batch) {
    PlannedRun run = planned(trial, state.candidates[trial.candidate].name);
    run.trunk = plan.runs.size();
    if (!known.insert(run.id).second) continue;
    plan.train_flops += run.train_flops;
    plan.runs.push_back(std::move(run));
  }
  return plan;
}

std::vector<Curve> SearchLoop::curves() const {
  std::vector<Curve> curves;
  for (const auto& [id, curve] : curves_) curves.push_back(curve);
  return curves;
}

}  // namespace einsearch
