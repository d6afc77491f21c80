// einsearch predict: what the laws say of runs that nobody has made yet, sealed in a file.
// einsearch score: how that fared.
#include <fmt/format.h>

#include "base/error.h"
#include "command.h"
#include "fit/forecast.h"
#include "io/columns.h"
#include "io/forecast_json.h"
#include "io/law_columns.h"
#include "io/report_table.h"
#include "log.h"
#include "output.h"
#include "rank_curves.h"
#include "version.h"

namespace einsearch {
namespace {

int predict(const FitScalingOptions& options) {
  if (options.target_compute <= 0) {
    throw Error("no target", {.where = "--target-compute", .expected = "compute to predict for"});
  }
  Output output(options.output.path);
  const RankedCurves ranked = rank_curves(options);
  Forecast forecast = make_forecast(ranked.ranking);
  forecast.version = version_text();
  forecast.data_digest = digest_of(ranked.input.curves);
  forecast.n_curves = static_cast<Count>(ranked.input.curves.size());
  output.write(forecast_json(forecast));
  output.finish();
  log_info(fmt::format("{} losses and {} orders of pairs predicted at {:.3g}",
                       forecast.structures.size(),
                       forecast.pairs.size(),
                       forecast.target_compute));
  return kDone;
}

struct ScoreOptions {
  std::string forecast;
  std::vector<std::string> files;
  CurveColumnNames columns;
  std::vector<std::string> where;
  OutputOptions output;
};

int score(const ScoreOptions& options) {
  Output output(options.output.path);
  const Forecast forecast = read_forecast(options.forecast);
  CurveColumnNames columns = options.columns;
  for (const std::string& text : options.where) {
    columns.where.push_back(parse_condition(text, "--where"));
  }
  const CurveFile input = read_curves(options.files, columns);
  for (const std::string& remark : input.remarks) log_warning(remark);
  if (digest_of(input.curves) == forecast.data_digest) {
    log_warning("these are the curves that the forecast was made from");
  }
  const ForecastScore result = score_forecast(forecast, input.curves);
  TableWriter table(chosen_format(options.output), column_names(score_columns()), output.sink());
  write_scores(table, result);
  table.finish();
  output.finish();
  log_info(describe_score(result));
  return kDone;
}

}  // namespace

void add_predict(CLI::App& app, Program& program) {
  static FitScalingOptions options;
  CLI::App* command = app.add_subcommand(
      "predict", "Predict losses at a target compute, as JSON that einsearch score can judge");
  declare_curve_options(*command, options);
  command->add_option("-o,--output", options.output.path, "file of the forecast (-: stdout)")
      ->type_name("FILE");
  command->callback([&program] {
    program.run = [] {
      check_fit_options(options);
      return predict(options);
    };
  });
}

void add_score(CLI::App& app, Program& program) {
  static ScoreOptions options;
  CLI::App* command =
      app.add_subcommand("score", "Say how a forecast of einsearch predict fared on new curves");
  command->add_option("FORECAST", options.forecast, "what einsearch predict wrote")
      ->required()
      ->type_name("JSON");
  command->add_option("FILES", options.files, "CSV of new learning curves; - is standard input")
      ->required()
      ->type_name("FILE");
  const auto column = [command](const char* name, std::string& value, const char* meaning) {
    command->add_option(name, value, meaning)->type_name("NAME")->group("Columns");
  };
  column("--x", options.columns.train_flops, "compute (train_flops)");
  column("--y", options.columns.loss, "loss (loss)");
  column("--group", options.columns.structure, "structure; several by commas");
  column("--run", options.columns.run, "run (run)");
  column("--width", options.columns.width, "scale of a run (width, else params)");
  command->add_option("--where", options.where, "read rows with, e.g., \"C<1e21\"; may repeat")
      ->type_name("COND")
      ->group("Columns")
      ->expected(1)
      ->take_all();
  add_output_options(*command, options.output);
  command->callback([&program] { program.run = [] { return score(options); }; });
}

}  // namespace einsearch
