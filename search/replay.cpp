#include "search/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "base/error.h"
#include "fit/inference.h"
#include "structure/notation.h"
#include "structure/taxonomy.h"

namespace einsearch {
namespace {

constexpr std::size_t kRecall = 5;
constexpr int kChances = 20;  // replays of the random strategy per seed
constexpr std::size_t kFewestScales = 3;

using SeedKey = std::tuple<Count, Count, Count>;

SeedKey seed_key(const Curve& curve) { return {curve.seed_init, curve.seed_data, curve.seed_task}; }

double end_compute(const Curve& curve) { return curve.points.back().train_flops; }

/// The commonest rate of dense.
double usual_rate(std::span<const Curve> curves) {
  std::map<double, int> counts;
  for (const Curve& curve : curves) {
    if (curve.structure == "dense") ++counts[curve.lr];
  }
  double rate = kMissing;
  int most = 0;
  for (const auto& [lr, count] : counts) {
    if (count <= most) continue;
    most = count;
    rate = lr;
  }
  return rate;
}

/// The longest run of each width and seed.
using StructureRuns = std::map<Count, std::map<SeedKey, const Curve*>>;

std::map<std::string, StructureRuns> longest_of_each(std::span<const Curve> curves) {
  const double rate = usual_rate(curves);
  std::map<std::string, StructureRuns> structures;
  for (const Curve& curve : curves) {
    const bool is_usual = std::isnan(rate) || std::isnan(curve.lr) || curve.lr == rate;
    if (!is_usual || curve.points.empty()) continue;
    const Curve*& longest = structures[curve.structure][curve.width][seed_key(curve)];
    if (longest == nullptr || end_compute(curve) > end_compute(*longest)) longest = &curve;
  }
  return structures;
}

/// What one replay found: candidates but dense, the best first.
struct Found {
  std::vector<std::size_t> order;
  double runs = 0;
  double flops = 0;
};

class Replay {
 public:
  Replay(const ReplayArchive& archive, const HalvingOptions& options)
      : archive_(archive), options_(options) {
    options_.tunes_rate = false;
    options_.confirmation_seeds = 0;
    options_.seeds = 1;
    options_.budget = kInfinity;
    if (options_.finalists == 0) options_.finalists = 1;
    if (options_.target <= 0) options_.target = archive.candidates.front().flops.back();
    for (std::size_t seed = 0; seed < archive.seeds; ++seed) truths_.push_back(truth_beside(seed));
  }

  ReplayRow row(const std::string& strategy) const {
    ReplayRow row{.strategy = strategy, .chosen = {}};
    const int chances = strategy == "random" ? kChances : 1;
    const double n = static_cast<double>(archive_.seeds) * chances;
    for (std::size_t seed = 0; seed < archive_.seeds; ++seed) {
      for (int chance = 0; chance < chances; ++chance) {
        const Found found = find(strategy, seed, static_cast<std::uint64_t>(chance));
        add(row, found, truths_[seed], n);
        if (chances == 1) row.chosen.push_back(archive_.candidates[found.order.front()].name);
      }
    }
    return row;
  }

 private:
  struct Truth {
    std::vector<double> score, multiplier;  ///< by candidate
    std::vector<std::size_t> order;         ///< but dense
  };

  std::size_t scales() const { return archive_.candidates.front().flops.size(); }

  std::vector<std::size_t> ranked(const std::function<double(std::size_t)>& key) const {
    std::vector<std::size_t> order(archive_.candidates.size() - 1);
    std::iota(order.begin(), order.end(), std::size_t{1});
    std::stable_sort(
        order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    return order;
  }

  /// By the runs of all seeds but one at the largest scales.
  Prediction predict_beside(std::size_t seed, std::size_t most_scales) const {
    std::vector<SelectionRuns> structures;
    for (std::size_t c = 0; c < archive_.candidates.size(); ++c) {
      SelectionRuns& own = structures.emplace_back();
      own.name = archive_.candidates[c].name;
      for (std::size_t scale = scales() - most_scales; scale < scales(); ++scale) {
        for (std::size_t other = 0; other < archive_.seeds; ++other) {
          if (other != seed || archive_.seeds == 1)
            own.runs.push_back(&archive_.runs[c][scale][other]);
        }
      }
    }
    return predict_at_target(structures,
                             {.target = options_.target,
                              .n_replicates = options_.n_replicates,
                              .seed = options_.seed,
                              .n_threads = options_.n_threads});
  }

  Truth truth_beside(std::size_t seed) const {
    Truth truth{.score = predict_beside(seed, kJudgedScales).score, .multiplier = {}, .order = {}};
    // Losses become compute by dense's law through all scales.
    const Ranking ranking = predict_beside(seed, scales()).ranking;
    const auto dense = std::find(ranking.names.begin(), ranking.names.end(), "dense");
    for (const double score : truth.score) {
      truth.multiplier.push_back(
          dense == ranking.names.end()
              ? kMissing
              : ranking.joint.laws[static_cast<std::size_t>(dense - ranking.names.begin())].compute(
                    std::exp(score)) /
                    options_.target);
    }
    truth.order = ranked([&](std::size_t c) { return truth.score[c]; });
    return truth;
  }

  Found find(const std::string& strategy, std::size_t seed, std::uint64_t chance) const {
    if (strategy == "params-per-flop") {
      return by_key([&](std::size_t c) {
        const Curve& run = archive_.runs[c].back()[seed];
        return -static_cast<double>(run.params) / run.flops;
      });
    }
    if (strategy == "omega-psi") {
      return by_key([&](std::size_t c) {
        const Taxonomy place = taxonomy(archive_.theta[c]);
        return 1e4 * place.omega - 1e2 * place.psi + place.nu;
      });
    }
    if (strategy == "single-scale") return by_one_scale(seed);
    HalvingOptions options = options_;
    options.strategy = parse_strategy(strategy);
    options.seed += chance;
    if (options.strategy == Strategy::random) options.n_replicates = 0;  // nobody asks for ties
    return by_search(options, seed);
  }

  Found by_key(const std::function<double(std::size_t)>& key) const {
    return {.order = ranked(key)};
  }

  double flops_of_scale(std::size_t scale) const {
    double flops = 0;
    for (const SearchCandidate& candidate : archive_.candidates) flops += candidate.flops[scale];
    return flops;
  }

  Found by_one_scale(std::size_t seed) const {
    const double most = by_search(options_, seed).flops;
    std::size_t scale = 0;
    while (scale + 1 < scales() && flops_of_scale(scale + 1) <= most) ++scale;
    Found found = by_key([&](std::size_t c) {
      const CurvePoint* end = sound_end(archive_.runs[c][scale][seed]);
      return end == nullptr ? kInfinity : end->loss;
    });
    found.runs = static_cast<double>(archive_.candidates.size());
    found.flops = flops_of_scale(scale);
    return found;
  }

  Found by_search(const HalvingOptions& options, std::size_t seed) const {
    SearchProblem problem;
    problem.candidates = archive_.candidates;
    Halving halving(problem, options);
    std::set<Trial> asked;
    const TrialResults results = [&](const SearchCandidate&, const Trial& trial) {
      asked.insert(trial);
      return &archive_.runs[trial.candidate][trial.scale][seed];
    };
    const HalvingState state = halving.next(results);
    Found found{.order = state.order};
    std::set<std::size_t> known(found.order.begin(), found.order.end());
    // Who left last comes next; among those who left together, by the last prediction.
    std::vector<std::size_t> left = ranked([&](std::size_t c) {
      const double score = state.states[c].score;
      return -1e6 * static_cast<double>(state.states[c].scales) +
             (std::isfinite(score) ? score : 1e3);
    });
    for (const std::size_t c : left) {
      if (known.insert(c).second) found.order.push_back(c);
    }
    for (const CandidateState& own : state.states) found.runs += static_cast<double>(own.scales);
    found.flops = state.flops;
    return found;
  }

  void add(ReplayRow& row, const Found& found, const Truth& truth, double n) const {
    double everything = 0;
    for (std::size_t scale = 0; scale < scales(); ++scale) everything += flops_of_scale(scale);
    row.runs += found.runs / n;
    row.cost_share += found.flops / everything / n;
    const std::size_t chosen = found.order.front(), best = truth.order.front();
    row.regret += truth.multiplier[best] / truth.multiplier[chosen] / n;
    row.top_1 += (chosen == best ? 1 : 0) / n;
    row.k = std::min(kRecall, truth.order.size());
    const auto end = [&](const auto& order) {
      return order.begin() + static_cast<std::ptrdiff_t>(row.k);
    };
    const std::set<std::size_t> wanted(truth.order.begin(), end(truth.order));
    for (auto c = found.order.begin(); c != end(found.order); ++c)
      row.recall += (wanted.contains(*c) ? 1 : 0) / static_cast<double>(row.k) / n;
    std::vector<double> place, score;
    for (std::size_t i = 0; i < found.order.size(); ++i) {
      place.push_back(static_cast<double>(i));
      score.push_back(truth.score[found.order[i]]);
    }
    row.tau += kendall_tau(place, score) / n;
  }

  const ReplayArchive& archive_;
  HalvingOptions options_;
  std::vector<Truth> truths_;  // for each seed that plays the search
};

}  // namespace

const std::vector<std::string>& replay_strategies() {
  static const std::vector<std::string> names = {"halving",
                                                 "exhaustive",
                                                 "last-loss",
                                                 "random",
                                                 "single-scale",
                                                 "params-per-flop",
                                                 "omega-psi"};
  return names;
}

ReplayArchive read_archive(std::span<const Curve> curves) {
  const std::map<std::string, StructureRuns> structures = longest_of_each(curves);
  const auto dense = structures.find("dense");
  if (dense == structures.end())
    throw Error("an archive without dense", {.expected = "runs of structure dense"});
  if (dense->second.size() < kFewestScales) {
    throw Error(
        "too few scales in the archive",
        {.expected = "dense at three widths or more", .got = std::to_string(dense->second.size())});
  }
  std::set<SeedKey> seeds;
  for (const auto& [seed, run] : dense->second.begin()->second) seeds.insert(seed);
  ReplayArchive archive;
  archive.seeds = seeds.size();
  const auto add = [&](const std::string& name, const StructureRuns& runs) {
    std::vector<std::vector<Curve>> of_scales;
    SearchCandidate candidate{.name = name, .family = {}, .flops = {}};
    for (const auto& [width, by_seed] : runs) {
      std::vector<Curve>& of_scale = of_scales.emplace_back();
      double flops = 0;
      for (const SeedKey& seed : seeds) {
        const auto run = by_seed.find(seed);
        if (run == by_seed.end()) continue;
        of_scale.push_back(*run->second);
        flops += end_compute(*run->second) / static_cast<double>(seeds.size());
      }
      candidate.flops.push_back(flops);
      if (of_scale.size() != seeds.size()) of_scales.clear();
      if (of_scales.empty()) break;
    }
    if (of_scales.size() != dense->second.size()) {
      archive.notes.push_back(
          fmt::format("{} has not every scale and seed that dense has: left out", name));
      return;
    }
    const Curve& any = of_scales.front().front();
    candidate.family = any.family;
    Theta theta;
    try {
      theta = parse_theta(any.theta);
    } catch (const Error&) {
      // Mixed structures have none.
    }
    archive.candidates.push_back(std::move(candidate));
    archive.theta.push_back(theta);
    archive.runs.push_back(std::move(of_scales));
  };
  add("dense", dense->second);
  for (const auto& [name, runs] : structures) {
    if (name != "dense") add(name, runs);
  }
  if (archive.candidates.size() < 3 || archive.candidates.front().name != "dense") {
    throw Error("nothing to replay",
                {.expected = "dense and two structures, all at the same number of scales and with "
                             "the same seeds",
                 .got = fmt::format("{} of them", archive.candidates.size())});
  }
  return archive;
}

std::vector<ReplayRow> replay(const ReplayArchive& archive,
                              const std::vector<std::string>& strategies,
                              const HalvingOptions& options) {
  const Replay replays(archive, options);
  std::vector<ReplayRow> rows;
  for (const std::string& strategy : strategies) rows.push_back(replays.row(strategy));
  return rows;
}

}  // namespace einsearch
