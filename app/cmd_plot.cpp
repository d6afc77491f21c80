// einsearch plot: the picture of a fit.
#include <fmt/format.h>

#include "base/error.h"
#include "command.h"
#include "io/frontier_plot.h"
#include "io/frontier_vega.h"
#include "output.h"
#include "rank_curves.h"

namespace einsearch {
namespace {

struct PictureOptions {
  FitScalingOptions fit;
  std::string format;  ///< empty: by the file's name
  std::string title;
};

bool is_vega_lite(const PictureOptions& options) {
  if (!options.format.empty()) return options.format == "vega-lite";
  return options.fit.output.path.ends_with(".json");
}

int plot(const PictureOptions& options) {
  Output output(options.fit.output.path);
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
      "plot", "Draw runs, frontiers, laws and their intervals: loss against compute");
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
