// einsearch fit-scaling: from learning curves to laws and a ranking.
#include <fmt/format.h>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "command.h"
#include "compute/parallel.h"
#include "fit_options.h"
#include "io/columns.h"
#include "io/frontier_plot.h"
#include "io/ranking_table.h"
#include "log.h"
#include "progress.h"

namespace einsearch {
namespace {

CurveColumnNames curve_columns_of(const FitScalingOptions& options) {
  CurveColumnNames columns = options.columns;
  for (const std::string& text : options.where) {
    columns.where.push_back(parse_condition(text, "--where"));
  }
  return columns;
}

RankingOptions ranking_options(const FitScalingOptions& options) {
  RankingOptions ranking = options.ranking;
  if (options.frontier == "hull" || options.is_paper) ranking.method = FrontierMethod::hull;
  if (options.points == "all" || options.is_paper) ranking.points = PointChoice::all;
  if (options.offset_option->count() > 0) ranking.irreducible = Irreducible::given;
  if (options.irreducible == "zero") ranking.irreducible = Irreducible::zero;
  if (options.irreducible == "own") ranking.irreducible = Irreducible::own;
  ranking.selects_irreducible = options.irreducible == "roll-out";
  ranking.may_extrapolate = options.is_forced;
  ranking.bootstrap.n_replicates = options.replicates;
  ranking.bootstrap.seed = static_cast<std::uint64_t>(options.seed);
  ranking.bootstrap.n_threads =
      options.threads > 0 ? static_cast<int>(options.threads) : available_threads();
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

int fit_scaling(const FitScalingOptions& options) {
  const std::unique_ptr<AtomicFile> frontier_file =
      open_file(options.frontier_path, "--frontier-out");
  const std::unique_ptr<AtomicFile> plot_file = open_file(options.plot_path, "--plot");
  Output output(options.output.path);
  const CurveFile input = read_curves(input_files(options.files), curve_columns_of(options));
  Progress progress("fit-scaling");
  RankingOptions request = ranking_options(options);
  request.bootstrap.on_progress = [&progress](double share) {
    progress.update(share, "replicates");
  };
  const Ranking ranking = rank_structures(input.curves, request);
  progress.clear();
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
  for (const auto& lines : {note_lines(ranking), verdict_lines(ranking)}) {
    for (const std::string& line : lines) log_info(line);
  }
  return kDone;
}

}  // namespace

void add_fit_scaling(CLI::App& app, Program& program) {
  static FitScalingOptions options;
  CLI::App* command = app.add_subcommand(
      "fit-scaling", "Fit scaling laws to learning curves, or to any table, and rank structures");
  declare_fit_options(*command, options);
  command->callback([&program] {
    program.run = [] {
      check_fit_options(options);
      return options.law == "power" ? fit_scaling(options) : fit_points(options);
    };
  });
}

}  // namespace einsearch
