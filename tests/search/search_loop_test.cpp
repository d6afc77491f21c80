#include "search/search_loop.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <memory>

#include "app/run_binary.h"
#include "base/digest.h"
#include "search/execute.h"
#include "structure/notation.h"
#include "train/run.h"

using namespace einsearch;

namespace {

SearchProtocol small_protocol() {
  SearchProtocol protocol;
  protocol.base.task = RegressionOptions{.target_width = 16, .target_depth = 2};
  protocol.base.batch = 16;
  protocol.base.held_out = 64;
  model_options(protocol.base.model).depth = 1;
  protocol.scales = {{8, 20}, {12, 40}, {16, 80}, {24, 160}};
  return protocol;
}

std::unique_ptr<SearchLoop> small_search() {
  const SearchProtocol protocol = small_protocol();
  std::vector<ScaledStructure> structures;
  SearchProblem problem;
  for (const char* name : {"dense",
                           "kronecker",
                           "btt",
                           "low-rank:1/2",
                           "tt:1/2",
                           "(0.5|0.25|0.25|0.25|0.5|0.25|0)",
                           "(0.5|0|0.5|0.25|0.5|0.25|0)"}) {
    structures.push_back(scale_structure(protocol, parse_structure(name)));
    problem.candidates.push_back(candidate_of(structures.back(), ""));
  }
  HalvingOptions options;
  options.n_replicates = 20;
  options.finalists = 2;
  options.budget = 1.3 * needed_flops(problem, options).all;
  return std::make_unique<SearchLoop>(
      protocol, std::move(structures), std::move(problem), options, 4);
}

/// What a run comes to, without training: a law with a level of its structure's and noise.
Curve planted_curve(const PlannedRun& run) {
  Curve curve = describe(run.spec);
  const auto number = [](const std::string& text) {
    return static_cast<double>(std::stoull(digest(text), nullptr, 16) % 1000) / 1000;
  };
  const double level = 1 + 0.2 * number(curve.structure);
  for (const double share : {0.1, 0.3, 1.0}) {
    CurvePoint& point = curve.points.emplace_back();
    point.step = std::max<Count>(1, std::llround(share * static_cast<double>(run.spec.steps)));
    point.train_flops = run.train_flops * share;
    point.loss = 0.1 + level * std::pow(point.train_flops / 1e7, -0.2) *
                           (1 + 0.002 * number(run.id + "noise"));
  }
  return curve;
}

struct PlantedTraining {
  RunStore& store;
  Shard shard;
  std::atomic<int> left;  ///< runs before it is told to stop
  std::atomic<int> trained = 0;

  void operator()(const Plan& plan, const HalvingState&) {
    const JobRunner runner = [&](const auto& runs, const RunContext&, const FinishRun& finish) {
      for (const PlannedRun* run : runs) {
        ++trained;
        --left;
        finish(*run, planted_curve(*run));
      }
    };
    ExecuteOptions options;
    options.workers = 2;
    options.should_stop = [this] { return left <= 0; };
    execute(plan, jobs_of_shard(jobs_of(plan), shard), store, Threads(2), runner, options);
  }
};

/// Everything that was decided and found, as text.
std::string text_of(const HalvingState& state) {
  std::string text;
  for (const Decision& decision : state.decisions) {
    text += fmt::format("{} {} {} {} {:a} {:a}\n",
                        decision.stage,
                        decision.structure,
                        decision.action,
                        decision.reason,
                        decision.predicted_loss,
                        decision.p_top);
  }
  if (!state.confirmation) return text;
  for (const ConfirmedStructure& row : state.confirmation->rows)
    text += fmt::format("{} {:a} {:a}\n", row.name, row.multiplier.value, row.multiplier.low);
  return text;
}

std::string store_path() {
  static int stores = 0;
  return scratch_path(fmt::format("search{}", stores++));
}

constexpr int kNever = 1 << 30;

struct Undisturbed {
  std::string text;
  int trained = 0;
};

const Undisturbed& undisturbed() {
  static const Undisturbed whole = [] {
    RunStore store = RunStore::open_or_create(store_path());
    PlantedTraining training{store, {}, kNever};
    const auto loop = small_search();
    const HalvingState state = loop->run(store, std::ref(training));
    REQUIRE(state.batch.empty());
    REQUIRE(state.confirmation);
    return Undisturbed{text_of(state), training.trained};
  }();
  return whole;
}

}  // namespace

TEST_CASE("a search that is stopped again and again decides the same and trains nothing twice") {
  const std::string path = store_path();
  int trained = 0;
  for (int round = 0; round < 100; ++round) {
    RunStore store = RunStore::open_or_create(path);
    PlantedTraining training{store, {}, 19};
    const auto loop = small_search();
    const HalvingState state = loop->run(store, std::ref(training));
    trained += training.trained;
    if (!state.batch.empty()) continue;
    CHECK(text_of(state) == undisturbed().text);
    CHECK(trained == undisturbed().trained);
    return;
  }
  FAIL("it never ended");
}

TEST_CASE("shards with stores of their own, merged after each stage, decide the same") {
  const std::vector<std::string> paths = {store_path(), store_path()};
  int trained = 0;
  for (int round = 0; round < 20; ++round) {
    Count ended = 0;
    for (Count shard = 1; shard <= 2; ++shard) {
      RunStore store = RunStore::open_or_create(paths[static_cast<std::size_t>(shard) - 1]);
      PlantedTraining training{store, {.index = shard, .count = 2}, kNever};
      const auto loop = small_search();
      const HalvingState state = loop->run(store, std::ref(training));
      trained += training.trained;
      if (!state.batch.empty()) continue;
      ++ended;
      CHECK(text_of(state) == undisturbed().text);
    }
    if (ended == 2) {
      CHECK(trained == undisturbed().trained);
      return;
    }
    const std::string merged = store_path();
    merge_stores(paths, merged, false);
    for (const std::string& path : paths) merge_stores({merged}, path, false);
  }
  FAIL("it never ended");
}

TEST_CASE("runs of a scale cost the same and confirmation runs share no seed with the others") {
  const SearchProtocol protocol = small_protocol();
  const ScaledStructure dense = scale_structure(protocol, parse_structure("dense"));
  const ScaledStructure other = scale_structure(protocol, parse_structure("monarch"));
  for (std::size_t scale = 0; scale < protocol.scales.size(); ++scale) {
    CHECK(other.flops[scale] / dense.flops[scale] == doctest::Approx(1).epsilon(0.2));
    const PlannedRun selected = planned_run(protocol, other, {1, scale, 2, 0, false});
    const PlannedRun confirmed = planned_run(protocol, other, {1, scale, 2, 0, true});
    CHECK(selected.spec.lr == 2 * protocol.base.lr);
    CHECK(selected.spec.seed_init != confirmed.spec.seed_init);
    CHECK(seeds(selected.spec.task).data != seeds(confirmed.spec.task).data);
    CHECK(seeds(selected.spec.task).task != seeds(confirmed.spec.task).task);
  }
}

TEST_CASE("structures that are one program at every scale are searched once") {
  const SearchProtocol protocol = small_protocol();
  std::vector<SpaceMember> members;
  for (const char* name : {"monarch", "btt", "kronecker", "(0.5|0|0.5|0|0.5|0.5|0)"})
    members.push_back({parse_structure(name)});
  const ScaledSpace space = scale_space(protocol, members, Threads(1));
  CHECK(space.structures.size() == 3);  // dense, monarch, kronecker
  CHECK(space.repeated == 2);
}
