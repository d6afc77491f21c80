#include "search/search_speed.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "compute/block.h"
#include "search/plan_report.h"
#include "structure/notation.h"
#include "train/run.h"

namespace einsearch {
namespace {

constexpr double kFirstGuess = 3e10;  // FLOPs per second and thread
constexpr double kKept = 0.9;         // of the time
constexpr double kMeasuring_s = 0.5;

/// Dense and some of the candidates at all scales.
Plan sample_plan(const SearchProtocol& protocol, const std::vector<SpaceMember>& members) {
  Plan plan;
  std::vector<Structure> structures = {parse_structure("dense")};
  for (const std::size_t i : {std::size_t{0}, members.size() / 2}) {
    if (i < members.size()) structures.push_back(members[i].structure);
  }
  for (const Structure& structure : structures) {
    try {
      const ScaledStructure scaled = scale_structure(protocol, structure);
      for (std::size_t scale = 0; scale < scaled.runs.size(); ++scale) {
        plan.runs.push_back(planned_run(protocol, scaled, {0, scale, 1, 0, false}));
        plan.train_flops += plan.runs.back().train_flops;
      }
    } catch (const Error&) {
      // A structure without matching widths is left out of the search too.
    }
  }
  return plan;
}

/// Forward FLOPs of evaluations over training FLOPs.
double evaluation_share(const Plan& plan) {
  double evaluation = 0, training = 0;
  for (const PlannedRun& run : plan.runs) {
    const double examples = static_cast<double>(run.spec.batch * run.spec.steps);
    const double per_example = run.train_flops / (3 * examples);
    evaluation += static_cast<double>(recorded_steps(run.spec).size()) *
                  static_cast<double>(run.spec.held_out) * per_example;
    training += run.train_flops;
  }
  return evaluation / training;
}

/// Seconds per training example of the task on one thread.
double time_per_example(const TaskSpec& spec) {
  const auto task = make_task<float>(spec);
  constexpr Index kExamples = 1024;
  AlignedBuffer<float> memory((task->inputs() + task->outputs()) * kExamples);
  const BlockView<float> inputs{memory.data(), task->inputs(), kExamples, kExamples};
  const BlockView<float> targets{
      memory.data() + task->inputs() * kExamples, task->outputs(), kExamples, kExamples};
  task->training_examples(0, inputs, targets);
  const std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  task->training_examples(kExamples, inputs, targets);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         kExamples;
}

}  // namespace

double training_flops_per_s(const SearchProtocol& protocol,
                            const std::vector<SpaceMember>& members) {
  const Plan plan = sample_plan(protocol, members);
  std::vector<PlanRow> rows = summarise(plan);
  estimate_times(rows, kMeasuring_s);
  double time = 0;
  for (const PlanRow& row : rows) time += row.time_s;
  return plan.train_flops / (time * (1 + evaluation_share(plan)));
}

SearchSpeed measure_search(const std::function<SearchProtocol(double budget)>& protocol,
                           const std::vector<SpaceMember>& members,
                           const HalvingOptions& options,
                           double seconds,
                           const Threads& threads) {
  SearchSpeed speed;
  const double n_threads = threads.count();
  speed.flops_per_s = kFirstGuess * n_threads;
  speed.budget_flops = kKept * seconds * speed.flops_per_s;
  double per_example = -1;
  for (int round = 0; round < 2; ++round) {
    const SearchProtocol chosen = protocol(speed.budget_flops);
    speed.flops_per_s = n_threads * training_flops_per_s(chosen, members);
    if (std::holds_alternative<RegressionOptions>(chosen.base.task)) {
      if (per_example < 0) per_example = time_per_example(chosen.base.task);
      Count longest = 0;
      for (const SearchScale& scale : chosen.scales)
        longest = std::max(longest, scale.steps * chosen.base.batch);
      speed.time_of_examples_s = per_example * static_cast<double>(longest) *
                                 static_cast<double>(options.seeds + options.confirmation_seeds) /
                                 n_threads;
    }
    const double left = kKept * seconds - speed.time_of_examples_s;
    if (left <= 0.1 * seconds) {
      throw Error("too small a budget",
                  {.where = "--budget",
                   .expected = "more than " + std::to_string(speed.time_of_examples_s) +
                               " s, which making the examples takes",
                   .got = std::to_string(seconds) + " s",
                   .hint = "a smaller --target-width"});
    }
    speed.budget_flops = left * speed.flops_per_s;
  }
  return speed;
}

}  // namespace einsearch
