// einsearch search: from the space of structures to a ranked few, with evidence.
#include <fmt/format.h>

#include "arguments.h"
#include "base/error.h"
#include "budget_search.h"
#include "command.h"
#include "fit/ranking.h"
#include "io/columns.h"
#include "io/curve_csv.h"
#include "io/frontier_plot.h"
#include "io/ranking_table.h"
#include "log.h"
#include "output.h"
#include "plan_table.h"
#include "progress.h"
#include "replay_search.h"
#include "search/standard.h"

namespace einsearch {
namespace {

constexpr const char* kStandardFolder = "results/standard";

struct SearchOptions {
  std::string preset;
  std::vector<std::string> archives;  ///< of --replay
  const CLI::Option* strategy = nullptr;
  BudgetSearchOptions budget;
};

void write_results(const std::string& folder,
                   const std::vector<Curve>& curves,
                   const Ranking& ranking) {
  write_file(folder + "/curves.csv",
             csv_text(curve_csv_columns(TimeColumns::left_out), [&](TableWriter& table) {
               for (const Curve& curve : curves)
                 write_curve_rows(table, curve, TimeColumns::left_out);
             }));
  write_file(folder + "/ranking.csv",
             csv_text(column_names(ranking_columns()),
                      [&](TableWriter& table) { write_ranking(table, ranking); }));
  write_file(
      folder + "/frontiers.svg",
      frontier_svg(ranking, curves, {.title = "Standard search: loss against training compute"}));
  log_info(fmt::format("wrote {0}/curves.csv, {0}/ranking.csv, {0}/frontiers.svg", folder));
}

int standard_search(const BudgetSearchOptions& given) {
  BudgetSearchOptions options = given;
  if (options.folder.empty()) options.folder = kStandardFolder;
  if (!options.is_dry) make_results_folder(options.folder);
  const StandardPlan plan = standard_plan();
  const Census& census = plan.census;
  log_info(
      fmt::format("lattice 1/4: {} points, {} redundant, {} degenerate, {} invalid, {} the same "
                  "program as another, {} candidates",
                  census.points,
                  census.redundant,
                  census.degenerate,
                  census.invalid,
                  census.repeated,
                  census.candidates));
  log_info("protocol: " + plan.protocol);

  const Threads threads(options.execution.thread_count());
  if (options.is_dry) {
    print_plan(plan_of(plan), {.output = {.format = options.format}}, threads);
    return kDone;
  }
  Progress progress("search");
  const std::vector<Curve> curves =
      run_plan(plan.runs, threads, [&progress](const SweepProgress& state) {
        progress.update(state.share, fmt::format("{}/{} runs", state.runs_done, state.runs));
      });
  progress.clear();

  RankingOptions request;
  request.bootstrap.n_threads = threads.count();
  const Ranking ranking = rank_structures(curves, request);
  write_results(options.folder, curves, ranking);
  for (const std::string& warning : ranking.warnings) log_warning(warning);
  Output output("-");
  TableWriter table(chosen_format({.format = options.format}), summary_columns(), output.sink());
  write_ranking_summary(table, ranking);
  table.finish();
  output.finish();
  for (const auto& lines : {note_lines(ranking), verdict_lines(ranking)}) {
    for (const std::string& line : lines) log_info(line);
  }
  return kDone;
}

/// The standard search where nothing else is asked for.
int search(const SearchOptions& options) {
  const bool is_standard = options.budget.space.empty() && options.budget.budget.empty();
  if (!options.preset.empty() && !is_standard) {
    throw Error("--preset is a whole search of its own",
                {.expected = "either --preset or --space and --budget"});
  }
  if (!options.archives.empty()) {
    if (!is_standard || !options.preset.empty()) {
      throw Error("--replay trains nothing",
                  {.expected = "no --space, --budget or --preset beside it"});
    }
    if (options.budget.is_dry)
      throw Error("--replay trains nothing", {.expected = "no --dry-run beside it"});
    return replay_search(options.archives, options.budget, options.strategy->count() > 0);
  }
  return is_standard ? standard_search(options.budget) : budget_search(options.budget);
}

}  // namespace

void add_search(CLI::App& app, Program& program) {
  static SearchOptions options;
  CLI::App* command =
      app.add_subcommand("search", "Find, train and rank structures: the whole way in one command");
  command
      ->add_option("--preset",
                   options.preset,
                   "standard: a fixed plan of about a minute on two cores; what is done where "
                   "neither --space nor --budget is given")
      ->check(CLI::IsMember({"standard"}));
  command
      ->add_option("-o,--output",
                   options.budget.folder,
                   "folder of results (results/search, results/standard)")
      ->type_name("DIR");
  command
      ->add_option("--format",
                   options.budget.format,
                   "of the ranking on stdout: table, csv, tsv, jsonl, json, md")
      ->type_name("FORMAT")
      ->check(CLI::IsMember(table_format_names()));
  command
      ->add_option("--replay",
                   options.archives,
                   "train nothing: what strategies would have found in these exhaustive sweeps "
                   "(stores or files of curves)")
      ->type_name("STORE ...")
      ->group("Search");
  add_budget_search(*command, options.budget);
  options.strategy = command->get_option("--strategy");
  command->callback([&program] { program.run = [] { return search(options); }; });
}

}  // namespace einsearch
