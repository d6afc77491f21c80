// einsearch fit-scaling: from learning curves to laws and a ranking.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "command.h"
#include "fit/dominance.h"
#include "fit/taxonomy_effect.h"
#include "fit_options.h"
#include "io/columns.h"
#include "io/frontier_plot.h"
#include "io/law_columns.h"
#include "io/ranking_table.h"
#include "io/report_table.h"
#include "log.h"
#include "rank_curves.h"

namespace einsearch {
namespace {

constexpr double kLeastProbability = 0.05;  // of being undominated, with --pareto

/// A file named by an option, opened before any work, so that one that cannot be written costs
/// nothing.
std::unique_ptr<AtomicFile> open_file(const std::string& path, const std::string& option) {
  if (path == "-")
    throw Error("standard output carries the table", {.where = option, .expected = "a file name"});
  return path.empty() ? nullptr : std::make_unique<AtomicFile>(path);
}

/// The files beside the table.
struct SideFiles {
  std::unique_ptr<AtomicFile> frontier, rollout, plot;

  explicit SideFiles(const FitScalingOptions& options)
      : frontier(open_file(options.frontier_path, "--frontier-out")),
        rollout(open_file(options.rollout_path, "--roll-out")),
        plot(open_file(options.plot_path, "--plot")) {}

  void commit() {
    for (AtomicFile* file : {frontier.get(), rollout.get(), plot.get()}) {
      if (file != nullptr) file->commit();
    }
  }
};

template <typename Write>
void write_table_to(AtomicFile& file, std::span<const ColumnInfo> columns, Write write) {
  TableWriter table(TableFormat::csv, column_names(columns), [&file](std::string_view text) {
    file.write(text);
  });
  write(table);
  table.finish();
}

void write_side_files(SideFiles& files,
                      const RankedCurves& ranked,
                      const FitScalingOptions& options) {
  if (files.frontier) {
    write_table_to(*files.frontier, frontier_columns(), [&ranked](TableWriter& table) {
      write_frontiers(table, ranked.ranking);
    });
  }
  if (files.rollout) {
    write_table_to(*files.rollout, rollout_columns(), [&ranked](TableWriter& table) {
      write_rollout(table, ranked.ranking.rollout);
    });
  }
  if (files.plot) {
    const AxisNames axes = axis_names(options);
    PlotOptions plot;
    if (!axes.x.empty()) plot.x_label = axes.x;
    if (!axes.y.empty()) plot.y_label = axes.y;
    files.plot->write(frontier_svg(ranked.ranking, ranked.input.curves, plot));
  }
}

/// All columns, or on a terminal, where they would not fit, the summary.
void write_ranking_table(Output& output, const Ranking& ranking, const OutputOptions& options) {
  const TableFormat format = chosen_format(options);
  const bool is_summary = format == TableFormat::table && options.format.empty();
  TableWriter table(
      format, is_summary ? summary_columns() : column_names(ranking_columns()), output.sink());
  is_summary ? write_ranking_summary(table, ranking) : write_ranking(table, ranking);
  table.finish();
  output.flush();
  if (is_summary) log_info("a summary; a pipe, -o FILE and --format csv have all columns");
}

void write_effect_table(Output& output,
                        const TaxonomyEffect& effect,
                        const OutputOptions& options) {
  TableWriter table(chosen_format(options), column_names(effect_columns()), output.sink());
  write_effect(table, effect);
  table.finish();
  output.flush();
}

int fit_scaling(const FitScalingOptions& options) {
  SideFiles files(options);
  Output output(options.output.path);
  RankedCurves ranked = rank_curves(options);
  const std::vector<std::string> notes = note_lines(ranked.ranking);
  write_side_files(files, ranked, options);
  if (options.is_explained) {
    const TaxonomyEffect effect = explain_by_taxonomy(taxonomy_points(ranked.ranking));
    write_effect_table(output, effect, options.output);
    log_info(describe_effect(effect));
  } else {
    if (!options.pareto.empty()) {
      keep_undominated(ranked.ranking, split_names(options.pareto), kLeastProbability);
    }
    write_ranking_table(output, ranked.ranking, options.output);
  }
  files.commit();
  output.finish();
  for (const std::string& path : {options.frontier_path, options.rollout_path, options.plot_path}) {
    if (!path.empty()) log_info("wrote " + path);
  }
  for (const auto& lines : {notes, verdict_lines(ranked.ranking)}) {
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
