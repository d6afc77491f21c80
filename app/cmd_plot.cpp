// einsearch plot: pictures of a fit, of its ranking, and of how structures were tuned.
#include <fmt/format.h>

#include "base/error.h"
#include "command.h"
#include "io/frontier_plot.h"
#include "io/frontier_vega.h"
#include "io/ranks_plot.h"
#include "io/rates_plot.h"
#include "log.h"
#include "output.h"
#include "rank_curves.h"

namespace einsearch {
namespace {

struct PictureOptions {
  FitScalingOptions fit;
  std::string format;  ///< empty: by the file's name
  std::string title;
  std::string kind = "frontiers";
};

bool is_vega_lite(const PictureOptions& options) {
  if (!options.format.empty()) return options.format == "vega-lite";
  return options.fit.output.path.ends_with(".json");
}

/// Final losses against learning rates: all runs, no fit.
std::string rates_picture(const PictureOptions& options) {
  const CurveFile input = read_named_curves(options.fit);
  for (const std::string& remark : input.remarks) log_warning(remark);
  const std::string title = options.title.empty() ? "Loss against learning rate" : options.title;
  return rates_svg(check_tuning(input.curves), title);
}

std::string ranks_picture(const PictureOptions& options) {
  const RankedCurves ranked = rank_curves(options.fit);
  return ranks_svg(ranked.ranking, options.title.empty() ? "Ranks" : options.title);
}

int plot(const PictureOptions& options) {
  if (options.kind != "frontiers" && is_vega_lite(options))
    throw Error("no such picture", {.where = "--kind " + options.kind, .expected = "--format svg"});
  Output output(options.fit.output.path);
  if (options.kind != "frontiers") {
    output.write(options.kind == "rates" ? rates_picture(options) : ranks_picture(options));
    output.finish();
    return kDone;
  }
  const RankedCurves ranked = rank_curves(options.fit);
  const AxisNames axes = axis_names(options.fit);
  PlotOptions plot;
  if (!options.title.empty()) plot.title = options.title;
  if (!axes.x.empty()) plot.x_label = axes.x;
  if (!axes.y.empty()) plot.y_label = axes.y;
  const std::span<const Curve> curves = ranked.input.curves;
  output.write(is_vega_lite(options) ? frontier_vega_lite(ranked.ranking, curves, plot)
                                     : frontier_svg(ranked.ranking, curves, plot));
  output.finish();
  return kDone;
}

}  // namespace

void add_plot(CLI::App& app, Program& program) {
  static PictureOptions options;
  CLI::App* command = app.add_subcommand(
      "plot", "Draw frontiers and laws, ranks with intervals, or losses against learning rates");
  command
      ->add_option("--kind",
                   options.kind,
                   "frontiers (default: runs, frontiers, laws and their intervals), ranks, or "
                   "rates (final loss against learning rate)")
      ->check(CLI::IsMember({"frontiers", "ranks", "rates"}));
  declare_curve_options(*command, options.fit);
  command->add_option("-o,--output", options.fit.output.path, "file of the picture (-: stdout)")
      ->type_name("FILE");
  command
      ->add_option("--format", options.format, "svg (default) or vega-lite (default for FILE.json)")
      ->check(CLI::IsMember({"svg", "vega-lite"}));
  command->add_option("--title", options.title, "title of the picture")->type_name("TEXT");
  command->callback([&program] {
    program.run = [] {
      check_fit_options(options.fit);
      return plot(options);
    };
  });
}

}  // namespace einsearch
