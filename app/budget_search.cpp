#include "budget_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "arguments.h"
#include "base/digest.h"
#include "base/error.h"
#include "exit_status.h"
#include "io/columns.h"
#include "log.h"
#include "output.h"
#include "plan_table.h"
#include "search/search_loop.h"
#include "search/search_speed.h"
#include "search_results.h"
#include "space_arguments.h"
#include "sweep_arguments.h"

namespace einsearch {
namespace {

constexpr double kFarthestTarget = 10;  // times the largest scale

RunSpec base_spec(const BudgetSearchOptions& options) {
  RunArguments run = options.run;
  // Small models, trained for few examples per parameter, want many updates.
  constexpr Count kExamples = 64, kSequences = 4;
  if (run.batch < 0) run.batch = run.task.task == "regression" ? kExamples : kSequences;
  const TaskSpec task =
      task_spec(run.task, {.task = static_cast<std::uint64_t>(options.seed_task), .data = 0});
  RunSpec spec = run_spec(run, task, 1);
  model_options(spec.model).depth = options.depth;
  return spec;
}

Horizon horizon_of(const BudgetSearchOptions& options) {
  // Where neighbouring widths of dense cross: later for a smooth target than for text.
  const bool is_regression = options.run.task.task == "regression";
  return parse_horizon(!options.horizon.empty() ? options.horizon
                       : is_regression          ? "examples-per-param:50"
                                                : "examples-per-param:20");
}

/// The scales that --match and --horizon name, or those that the budget buys.
std::vector<SearchScale> scales_of(const BudgetSearchOptions& options,
                                   const RunSpec& base,
                                   const HalvingOptions& halving,
                                   Count structures) {
  const Horizon horizon = horizon_of(options);
  if (options.match.empty()) {
    if (horizon.values.size() > 1)
      throw Error("several horizons", {.where = "--horizon", .expected = "--match beside it"});
    return choose_scales(base, horizon, structures, halving);
  }
  const std::string prefix = "dense@";
  if (!options.match.starts_with(prefix)) {
    throw Error("bad value",
                {.where = "--match",
                 .expected = "dense@WIDTHS such as dense@12,16,24,32,48",
                 .got = "\"" + options.match + "\""});
  }
  std::vector<Count> widths =
      parse_counts(options.match.substr(prefix.size()), "--match", {1, 1 << 20});
  if (!std::is_sorted(widths.begin(), widths.end(), std::less_equal<>()))
    throw Error("bad value", {.where = "--match", .expected = "ascending widths"});
  if (horizon.values.size() != 1 && horizon.values.size() != widths.size()) {
    throw Error("bad number of horizons",
                {.where = "--horizon",
                 .expected = fmt::format("1 or {}, one for each scale", widths.size()),
                 .got = std::to_string(horizon.values.size())});
  }
  std::vector<SearchScale> scales;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const double value = horizon.values[horizon.values.size() == 1 ? 0 : i];
    scales.push_back({widths[i], dense_steps(base, widths[i], horizon.kind, value)});
  }
  return scales;
}

void require_ascending_cost(const RunSpec& base, const std::vector<SearchScale>& scales) {
  for (std::size_t i = 1; i < scales.size(); ++i) {
    const double before = dense_train_flops(base, scales[i - 1]);
    const double here = dense_train_flops(base, scales[i]);
    if (here > 1.05 * before) continue;
    throw Error("scales that do not cost more and more",
                {.where = "--match, --horizon",
                 .expected = fmt::format(
                     "more than {:.3g} FLOPs at width {}", 1.05 * before, scales[i].dense_width),
                 .got = fmt::format("{:.3g}", here)});
  }
}

HalvingOptions halving_options(const BudgetSearchOptions& options) {
  HalvingOptions halving;
  halving.strategy = parse_strategy(options.strategy);
  halving.target = options.target_compute;
  halving.finalists = options.finalists;
  halving.seeds = options.seeds;
  halving.confirmation_seeds = options.confirmation_seeds;
  halving.tunes_rate = !options.keeps_rate;
  halving.seed = static_cast<std::uint64_t>(options.seed);
  halving.n_threads = options.execution.thread_count();
  return halving;
}

/// Digest of everything that decides what a search does, but for measured times.
std::string name_of_search(const BudgetSearchOptions& options,
                           const RunSpec& base,
                           const SpaceRequest& request) {
  std::string text = canonical_text(base);
  for (const Structure& structure : request.structures) text += " " + structure.name;
  for (const std::string* part : {&options.budget,
                                  &options.space,
                                  &options.prior,
                                  &options.design,
                                  &options.match,
                                  &options.horizon,
                                  &options.trainer,
                                  &options.strategy})
    text += "\n" + *part;
  text += fmt::format("\n{} {} {} {} {} {}",
                      options.target_compute,
                      options.finalists,
                      options.seeds,
                      options.confirmation_seeds,
                      options.seed,
                      options.keeps_rate);
  return digest(text);
}

bool is_in_seconds(const std::string& budget) {
  return budget.find_first_of("smhd:") != std::string::npos;
}

double budget_in_flops(const std::string& text) try {
  return parse_real(text, "--budget", {1, std::numeric_limits<double>::max()});
} catch (const Error&) {
  throw Error("bad budget",
              {.where = "--budget",
               .expected = "training FLOPs such as 1e13, or time such as 30m",
               .got = "\"" + text + "\""});
}

/// Everything of a search but its store.
struct Prepared {
  SearchProtocol protocol;
  SearchSpace space;
  ScaledSpace scaled;
  HalvingOptions halving;
};

SearchProtocol protocol_of(const BudgetSearchOptions& options,
                           const RunSpec& base,
                           std::vector<SearchScale> scales) {
  SearchProtocol protocol;
  protocol.base = base;
  protocol.scales = std::move(scales);
  if (options.run.warmup < 0) {
    protocol.warmup = [task = options.run.task.task](Count steps) {
      return default_warmup(task, steps);
    };
  }
  protocol.trainer = options.trainer;
  return protocol;
}

SearchProblem problem_of(const ScaledSpace& scaled) {
  SearchProblem problem;
  for (std::size_t i = 0; i < scaled.structures.size(); ++i) {
    problem.candidates.push_back(
        candidate_of(scaled.structures[i], scaled.is_control[i] ? "control" : ""));
  }
  return problem;
}

constexpr int kAttempts = 6;  // at choosing scales that the budget buys
constexpr double kSmaller = 0.85;

/// Sizes of the space are judged at a width between the smallest and the largest of usual proxies.
constexpr Index kProbeWidth = 64;

Prepared prepare(const BudgetSearchOptions& options,
                 const RunSpec& base,
                 const SpaceRequest& request,
                 const HalvingOptions& halving,
                 const Threads& threads) {
  Prepared prepared{
      .protocol = {},
      .space = make_search_space(request, kProbeWidth, model_options(base.model).resolve),
      .scaled = {},
      .halving = halving};
  // Scales are chosen as if everybody cost what dense costs; matched widths may cost more.
  const auto members = static_cast<Count>(prepared.space.members.size());
  HalvingOptions choosing = halving;
  for (int attempt = 0; attempt < kAttempts; ++attempt, choosing.budget *= kSmaller) {
    std::vector<SearchScale> scales;
    try {
      scales = scales_of(options, base, choosing, members);
    } catch (const Error&) {
      if (attempt == 0) throw;
      break;  // what was found last is refused below, by its own numbers
    }
    if (scales == prepared.protocol.scales) continue;
    require_ascending_cost(base, scales);
    prepared.protocol = protocol_of(options, base, std::move(scales));
    prepared.scaled = scale_space(prepared.protocol, prepared.space.members, threads);
    const double needed = needed_flops(problem_of(prepared.scaled), halving).all;
    if (!options.match.empty() || needed <= halving.budget) break;
  }
  if (prepared.scaled.structures.size() < 2) {
    throw Error("nothing is left of the space",
                {.where = "--space",
                 .expected = "a structure beside dense",
                 .got = fmt::format("{}; then {} without a width that costs what dense costs, {} "
                                    "the same program at all scales",
                                    describe_steps(prepared.space),
                                    prepared.scaled.unmatched,
                                    prepared.scaled.repeated)});
  }
  const double largest = prepared.scaled.structures.front().flops.back();
  if (options.target_compute > kFarthestTarget * largest && !options.is_forced) {
    throw Error("too small a budget for this target",
                {.where = "--target-compute",
                 .expected = fmt::format("at most {:.3g}, ten times the largest scale",
                                         kFarthestTarget * largest),
                 .got = fmt::format("{:.3g}", options.target_compute),
                 .hint = "a larger --budget or fewer structures; --force extrapolates further"});
  }
  Halving(problem_of(prepared.scaled), halving);  // throws for a budget or a target out of reach
  return prepared;
}

void report_space(const Prepared& prepared) {
  const ScaledSpace& scaled = prepared.scaled;
  std::string text = describe_steps(prepared.space);
  if (scaled.unmatched > 0)
    text += fmt::format(", {} without a width that costs what dense costs", scaled.unmatched);
  if (scaled.repeated > 0)
    text += fmt::format(", {} the same program at all scales", scaled.repeated);
  log_info(fmt::format("space: {}; {} candidates and dense", text, scaled.structures.size() - 1));
  std::vector<std::string> scales;
  for (std::size_t i = 0; i < prepared.protocol.scales.size(); ++i) {
    const SearchScale& scale = prepared.protocol.scales[i];
    scales.push_back(fmt::format("{} ({} updates, {:.2g} FLOPs)",
                                 scale.dense_width,
                                 scale.steps,
                                 scaled.structures.front().flops[i]));
  }
  log_info(fmt::format("scales, as widths of dense: {}", fmt::join(scales, ", ")));
}

/// What a search costs at least, stage by stage, and how long its budget takes here.
void print_stages(const BudgetSearchOptions& options,
                  const Prepared& prepared,
                  const Threads& threads) {
  Output output("-");
  TableWriter table(chosen_format({.format = options.format}),
                    column_names(search_plan_columns()),
                    output.sink());
  const std::vector<SearchScale>& scales = prepared.protocol.scales;
  double needed = 0;
  for (const StageCost& stage : stage_costs(problem_of(prepared.scaled), prepared.halving)) {
    table.cell(stage.scale ? "search" : "confirmation");
    if (stage.scale) {
      table.cell(scales[*stage.scale].dense_width).cell(scales[*stage.scale].steps);
    } else {
      table.missing().missing();
    }
    table.cell(stage.structures).cell(stage.runs).cell(stage.flops);
    table.end_row();
    needed += stage.flops;
  }
  table.finish();
  output.finish();
  const double budget = prepared.halving.budget;
  std::string text =
      fmt::format("needs {:.3g} training FLOPs of {:.3g}; what is left goes to ties and refinement",
                  needed,
                  budget);
  if (options.trainer.empty()) {
    const double speed =
        threads.count() * training_flops_per_s(prepared.protocol, prepared.space.members);
    text += fmt::format("; the budget takes about {} on {} thread{}",
                        duration_text(budget / speed),
                        threads.count(),
                        threads.count() == 1 ? "" : "s");
  }
  log_info(text);
}

std::string progress_of(const HalvingState& state, const HalvingOptions& options) {
  if (!std::isfinite(options.budget)) return state.stage;
  return fmt::format("{} | {:.0f}% of the budget", state.stage, 100 * state.flops / options.budget);
}

SearchStage stage_of(const SearchLoop& loop, const Plan& plan, const HalvingState& state) {
  SearchStage stage{.what = progress_of(state, loop.options()), .runs = {}};
  for (const PlannedRun& run : plan.runs)
    stage.runs[run.id] = structure_text(model_options(run.spec.model));
  return stage;
}

/// The runs of either kind of seed that see most examples.
std::vector<RunSpec> longest_runs(const SearchProtocol& protocol,
                                  const ScaledStructure& dense,
                                  const HalvingOptions& options) {
  std::size_t longest = 0;
  for (std::size_t i = 0; i < protocol.scales.size(); ++i) {
    if (protocol.scales[i].steps > protocol.scales[longest].steps) longest = i;
  }
  std::vector<RunSpec> runs;
  for (Count seed = 0; seed < options.seeds; ++seed)
    runs.push_back(planned_run(protocol, dense, {0, longest, 1, seed, false}).spec);
  for (Count seed = 0; seed < options.confirmation_seeds; ++seed)
    runs.push_back(planned_run(protocol, dense, {0, longest, 1, seed, true}).spec);
  return runs;
}

/// The training FLOPs that this machine gets done in the time of --budget.
double measured_budget(const BudgetSearchOptions& options,
                       const RunSpec& base,
                       const SpaceRequest& request,
                       const HalvingOptions& halving,
                       const Threads& threads) {
  if (!options.trainer.empty()) {
    throw Error("a budget in seconds for another trainer",
                {.where = "--budget", .expected = "training FLOPs", .got = options.budget});
  }
  const SearchSpace space =
      make_search_space(request, kProbeWidth, model_options(base.model).resolve);
  const auto protocol = [&](double budget) {
    HalvingOptions within = halving;
    within.budget = budget;
    const auto members = static_cast<Count>(space.members.size());
    try {
      return protocol_of(options, base, scales_of(options, base, within, members));
    } catch (const Error&) {
      // The smallest scales tell the speed too.
      within.budget = kInfinity;
      within.target = 1;
      return protocol_of(options, base, scales_of(options, base, within, members));
    }
  };
  const double seconds = parse_duration(options.budget, "--budget");
  const SearchSpeed speed = measure_search(protocol, space.members, halving, seconds, threads);
  HalvingOptions within = halving;
  within.budget = speed.budget_flops;
  try {
    prepare(options, base, request, within, threads);
  } catch (const Error& fault) {
    throw Error(fmt::format("{}; {} is about {:.2g} training FLOPs here",
                            fault.what(),
                            options.budget,
                            speed.budget_flops));
  }
  if (parse_shard(options.execution.shard).count > 1) {
    throw Error("a budget in seconds for one of several shards",
                {.where = "--budget",
                 .expected = "training FLOPs, the same for all",
                 .got = options.budget,
                 .hint = fmt::format("about {:.2g} on this machine", speed.budget_flops)});
  }
  return speed.budget_flops;
}

/// The budget in FLOPs: as given, as the store has it, or by how fast this machine is.
double fixed_budget(const BudgetSearchOptions& options,
                    const RunSpec& base,
                    const SpaceRequest& request,
                    const HalvingOptions& halving,
                    const Threads& threads,
                    const RunStore& store) {
  if (!is_in_seconds(options.budget)) return budget_in_flops(options.budget);
  const std::string name = name_of_search(options, base, request);
  std::string known = store.search_plan(name);
  if (known.empty()) {
    const double flops = measured_budget(options, base, request, halving, threads);
    known = store.fix_search_plan(name, fmt::format("budget_flops {:.3g}\n", flops));
    log_info(fmt::format("{} on {} thread(s) here: {:.3g} training FLOPs (fixed in {}/searches)",
                         options.budget,
                         threads.count(),
                         flops,
                         store.folder()));
  }
  const std::size_t gap = known.find(' ');
  return budget_in_flops(known.substr(gap + 1, known.find('\n') - gap - 1));
}

}  // namespace

void set_standard(BudgetSearchOptions& options) {
  options.space = "grid 1/3";
  options.budget = "2.6e12";
  options.match = "dense@12,16,24,32,48";
  options.horizon = "steps:1500";
  options.run.task.target_width = 128;
  options.run.task.held_out = 4096;
  options.title = "Standard search";
}

int budget_search(const BudgetSearchOptions& given) {
  BudgetSearchOptions options = given;
  if (options.folder.empty()) options.folder = "results/search";
  if (options.execution.store.empty()) options.execution.store = options.folder + "/runs";
  if (options.space.empty())
    throw Error("--space is missing", {.expected = "--space \"grid 1/4\" or names"});
  if (options.budget.empty())
    throw Error("--budget is missing", {.expected = "training FLOPs or time, such as 30m"});
  check_store_execution(options.execution, options.trainer);
  const SpaceRequest request = space_request({.space = options.space,
                                              .prior = options.prior,
                                              .design = options.design,
                                              .seed = options.seed});
  const RunSpec base = base_spec(options);
  const Threads threads(options.execution.thread_count());
  HalvingOptions halving = halving_options(options);
  if (!is_in_seconds(options.budget)) {
    halving.budget = budget_in_flops(options.budget);
    prepare(options, base, request, halving, threads);  // faults show before a folder is made
  }
  if (options.is_dry) {
    if (is_in_seconds(options.budget))
      halving.budget = measured_budget(options, base, request, halving, threads);
    const Prepared prepared = prepare(options, base, request, halving, threads);
    report_space(prepared);
    print_stages(options, prepared, threads);
    return kDone;
  }
  make_results_folder(options.folder);
  RunStore store = open_store(options.execution);
  halving.budget = fixed_budget(options, base, request, halving, threads, store);
  Prepared prepared = prepare(options, base, request, halving, threads);
  StoreRunner runner(
      options.execution,
      {.command = options.trainer, .data = options.run.task.data, .title = "search"});
  runner.keep_examples(
      longest_runs(prepared.protocol, prepared.scaled.structures.front(), halving));
  SearchLoop loop(prepared.protocol,
                  prepared.scaled.structures,
                  problem_of(prepared.scaled),
                  halving,
                  request.kind == SpaceRequest::Kind::grid ? request.n : 0);
  report_space(prepared);
  ExecuteResult last;
  const std::string name = name_of_search(options, base, request);
  const HalvingState state = loop.run(store, [&](const Plan& plan, const HalvingState& stage) {
    store.note_stage(name, stage_of(loop, plan, stage));
    last = runner.run(plan, store, threads, progress_of(stage, halving));
    log_info(fmt::format("{}: {} runs, {} of them now", stage.stage, plan.runs.size(), last.ran));
  });
  if (!state.batch.empty()) {
    log_info(fmt::format("{} is incomplete: {}",
                         state.stage,
                         last.left > 0 ? "the same command goes on"
                                       : "run the other shards, then merge the stores"));
    const int status = status_after(last);
    return status == kDone ? kIncomplete : status;
  }
  store.note_stage(name, {.what = "finished", .runs = {}});
  write_search_results(
      loop,
      state,
      {.folder = options.folder,
       .format = options.format,
       .title = options.title,
       .failed = options.is_forced ? FailedTuning::ranked : FailedTuning::left_out});
  return kDone;
}

void add_budget_search(CLI::App& command, BudgetSearchOptions& options) {
  options.run.schedule = "wsd";  // ends of runs are compared, and annealed ends are less noisy
  const std::string group = "Search";
  const auto text =
      [&](const char* name, std::string& value, const char* meaning, const char* type) {
        command.add_option(name, value, meaning)->type_name(type)->group(group);
      };
  text("--space",
       options.space,
       "\"grid 1/4\", divisors, names or @FILE, then conditions: \"grid 1/4, omega<=0.5\"",
       "SPACE");
  text("--budget", options.budget, "training FLOPs such as 1e13, or time such as 30m", "B");
  add_real(command,
           "--target-compute",
           options.target_compute,
           "training FLOPs at which structures are compared (those of the largest scale)",
           {0, std::numeric_limits<double>::max()})
      ->group(group);
  text("--prior",
       options.prior,
       "conditions on omega, psi, nu; a random tenth of what they remove stays as a control",
       "FILTERS");
  text("--design",
       options.design,
       "taxonomy:K: K candidates that keep omega, psi and nu apart (all candidates)",
       "DESIGN");
  text("--strategy",
       options.strategy,
       "halving (default), exhaustive, last-loss, random or surrogate",
       "NAME");
  text("--match",
       options.match,
       "scales, as widths of dense: dense@12,16,24,32,48 (five that the budget buys)",
       "S@LIST");
  text("--horizon",
       options.horizon,
       "length of runs as for sweep, one or one per scale (examples-per-param:50 for regression, "
       "else :20)",
       "H");
  add_count(command, "--depth", options.depth, "residual blocks (3)", {0, 1000})->group(group);
  add_count(command,
            "--finalists",
            options.finalists,
            "structures to confirm (3, or 8 where the budget allows)",
            {1, 1000})
      ->group(group);
  add_count(command, "--seeds", options.seeds, "seeds of a run before confirmation (1)", {1, 1000})
      ->group(group);
  add_count(command,
            "--confirmation-seeds",
            options.confirmation_seeds,
            "fresh seeds of confirmation runs (3)",
            {2, 1000})
      ->group(group);
  add_count(command, "--seed-task", options.seed_task, "seed of the target (0)", kNonNegative)
      ->group(group);
  add_count(command,
            "--seed",
            options.seed,
            "seed of the control, of replicates and of --strategy random (0)",
            kNonNegative)
      ->group(group);
  command.add_flag("--keep-rate", options.keeps_rate, "do not tune the learning rate")
      ->group(group);
  command
      .add_flag(
          "--force",
          options.is_forced,
          "extrapolate beyond ten times the largest scale; rank structures whose tuning fails")
      ->group(group);
  text("--trainer",
       options.trainer,
       "command that trains a run in einsearch's place, as for sweep",
       "CMD");
  add_model_options(command, options.run);
  add_task_options(command, options.run.task);
  add_training_options(command, options.run);
  add_store_execution(command, options.execution);
  command.add_flag("--dry-run", options.is_dry, "print the plan instead")->group("Execution");
}

}  // namespace einsearch
