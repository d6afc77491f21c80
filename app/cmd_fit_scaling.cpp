// einsearch fit-scaling: from learning curves to laws and a ranking.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <memory>

#include "arguments.h"
#include "base/error.h"
#include "base/suggest.h"
#include "command.h"
#include "fit/ranking.h"
#include "io/columns.h"
#include "io/curve_csv.h"
#include "io/frontier_plot.h"
#include "io/ranking_table.h"
#include "log.h"
#include "output.h"

namespace einsearch {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();

struct FitScalingOptions {
  std::vector<std::string> files;
  CurveColumnNames columns;
  std::string frontier = "envelope";
  std::string points = "default";
  std::string rank_by = "multiplier";
  std::string baseline;
  double target_compute = 0;
  RankingOptions ranking;
  std::vector<const CLI::Option*> of_hull;  ///< options that only the hull frontier reads
  std::string frontier_path;
  std::string plot_path;
  OutputOptions output;
};

std::vector<std::string> input_files(const std::vector<std::string>& files) {
  if (std::count(files.begin(), files.end(), "-") > 1) {
    throw Error("standard input given twice", {.where = "FILES", .expected = "- at most once"});
  }
  if (!files.empty()) return files;
  if (isatty(STDIN_FILENO) == 1) {
    throw Error("no curves given",
                {.where = "FILES",
                 .expected = "CSV files, or a table on standard input",
                 .hint = "einsearch train ... | einsearch fit-scaling -"});
  }
  return {"-"};
}

/// An option that would change nothing is a mistake of whoever gave it.
void require_hull(const FitScalingOptions& options) {
  if (options.frontier == "hull") return;
  for (const CLI::Option* option : options.of_hull) {
    if (option->count() == 0) continue;
    throw Error(option->get_name() + " has no effect",
                {.where = "--frontier " + options.frontier, .expected = "--frontier hull"});
  }
}

RankingOptions ranking_options(const FitScalingOptions& options) {
  require_hull(options);
  RankingOptions ranking = options.ranking;
  if (options.frontier == "hull") ranking.method = FrontierMethod::hull;
  if (options.points == "all") ranking.points = PointChoice::all;
  if (!options.baseline.empty()) ranking.baseline = options.baseline;
  if (options.target_compute > 0) ranking.target_compute = options.target_compute;
  ranking.rank_by = parse_rank_by(options.rank_by);
  return ranking;
}

/// A file named by an option, opened before any work, so that one that cannot be written costs
/// nothing.
std::unique_ptr<AtomicFile> open_file(const std::string& path, const std::string& option) {
  if (path == "-")
    throw Error("standard output carries the table", {.where = option, .expected = "a file name"});
  return path.empty() ? nullptr : std::make_unique<AtomicFile>(path);
}

void write_frontier_table(AtomicFile& file, const Ranking& ranking) {
  TableWriter table(TableFormat::csv,
                    column_names(frontier_columns()),
                    [&file](std::string_view text) { file.write(text); });
  write_frontiers(table, ranking);
  table.finish();
}

/// Columns of other tables have other names and units.
PlotOptions plot_options(const FitScalingOptions& options) {
  const CurveColumnNames usual;
  PlotOptions plot;
  if (options.columns.train_flops != usual.train_flops) plot.x_label = options.columns.train_flops;
  if (options.columns.loss != usual.loss) plot.y_label = options.columns.loss;
  return plot;
}

/// All columns, or on a terminal, where they would not fit, the summary.
void write_table(Output& output, const Ranking& ranking, const OutputOptions& options) {
  const TableFormat format = chosen_format(options);
  const bool is_summary = format == TableFormat::table && options.format.empty();
  TableWriter table(
      format, is_summary ? summary_columns() : column_names(ranking_columns()), output.sink());
  is_summary ? write_ranking_summary(table, ranking) : write_ranking(table, ranking);
  table.finish();
  output.flush();
  if (is_summary) log_info("a summary; a pipe, -o FILE and --format csv have all columns");
}

void require_different_files(const FitScalingOptions& options) {
  const std::string& table = options.output.path;
  for (const std::string& path : {options.frontier_path, options.plot_path}) {
    const bool is_taken =
        (path == table && path != "-") || options.frontier_path == options.plot_path;
    if (path.empty() || !is_taken) continue;
    throw Error("one file for two outputs",
                {.where = "-o, --frontier-out, --plot",
                 .expected = "different files",
                 .got = "\"" + path + "\" twice"});
  }
}

int fit_scaling(const FitScalingOptions& options) {
  require_different_files(options);
  const std::unique_ptr<AtomicFile> frontier_file =
      open_file(options.frontier_path, "--frontier-out");
  const std::unique_ptr<AtomicFile> plot_file = open_file(options.plot_path, "--plot");
  Output output(options.output.path);
  const CurveFile input = read_curves(input_files(options.files), options.columns);
  const Ranking ranking = rank_structures(input.curves, ranking_options(options));
  for (const auto* remarks : {&input.remarks, &ranking.warnings}) {
    for (const std::string& remark : *remarks) log_warning(remark);
  }
  if (frontier_file) write_frontier_table(*frontier_file, ranking);
  if (plot_file) plot_file->write(frontier_svg(ranking, input.curves, plot_options(options)));
  write_table(output, ranking, options.output);
  for (const auto* file : {&frontier_file, &plot_file}) {
    if (*file) (*file)->commit();
  }
  output.finish();
  for (const std::string& path : {options.frontier_path, options.plot_path}) {
    if (!path.empty()) log_info("wrote " + path);
  }
  for (const std::string& line : verdict_lines(ranking)) log_info(line);
  return kDone;
}

void add_hull_options(CLI::App& command, FitScalingOptions& options) {
  HullOptions& hull = options.ranking.hull;
  const Range<double> positive{0, kLargest};
  options.of_hull = {
      add_real(
          command, "--tolerance", hull.tolerance, "relative excess over the hull (0.02)", positive),
      add_real(command, "--min-step", hull.min_step, "earliest step", positive),
      add_real(command, "--max-step", hull.max_step, "latest step", positive),
      add_count(command, "--step-multiple", hull.step_multiple, "keep steps divisible by N"),
      add_real(command, "--min-compute", hull.min_compute, "least compute of the fit", positive),
      add_real(command, "--max-compute", hull.max_compute, "most compute of the fit", positive)};
  for (const CLI::Option* option : options.of_hull) {
    command.get_option(option->get_name())->group("With --frontier hull");
  }
}

}  // namespace

void add_fit_scaling(CLI::App& app, Program& program) {
  static FitScalingOptions options;
  CLI::App* command = app.add_subcommand(
      "fit-scaling", "Fit a scaling law per structure to learning curves and rank them");
  command->add_option("FILES", options.files, "CSV of learning curves; - is standard input")
      ->type_name("FILE");
  command->add_option("--frontier", options.frontier, "envelope (default) or hull (the paper's)")
      ->check(CLI::IsMember({"envelope", "hull"}));
  command
      ->add_option("--points",
                   options.points,
                   "default: annealed end points, else constant-rate points; all: also points "
                   "inside a decay")
      ->check(CLI::IsMember({"default", "all"}));
  add_real(*command,
           "--offset",
           options.ranking.offset,
           "irreducible loss E of every law (0)",
           {0, kLargest});
  command->add_option("--baseline", options.baseline, "structure to compare with (dense)")
      ->type_name("S");
  add_real(*command,
           "--target-compute",
           options.target_compute,
           "training FLOPs to compare at (the largest inside every fitted range)",
           {std::numeric_limits<double>::min(), kLargest});
  command
      ->add_option("--rank-by",
                   options.rank_by,
                   "multiplier (default), predicted-loss, exponent or last-loss")
      ->check(CLI::IsMember(rank_by_names()));
  command->add_option("--x", options.columns.train_flops, "column of compute (train_flops)")
      ->type_name("NAME");
  command->add_option("--y", options.columns.loss, "column of loss (loss)")->type_name("NAME");
  command->add_option("--group", options.columns.structure, "column of structures (structure)")
      ->type_name("NAME");
  command->add_option("--frontier-out", options.frontier_path, "write frontier points as CSV")
      ->type_name("FILE");
  command->add_option("--plot", options.plot_path, "draw runs, frontiers and laws as SVG")
      ->type_name("FILE");
  add_hull_options(*command, options);
  add_output_options(*command, options.output);
  command->callback([&program] { program.run = [] { return fit_scaling(options); }; });
}

}  // namespace einsearch
