// einsearch columns: what every column of every table means.
#include "command.h"
#include "io/columns.h"
#include "io/law_columns.h"
#include "output.h"

namespace einsearch {
namespace {

int print_columns(const OutputOptions& options) {
  Output output(options.path);
  TableWriter table(chosen_format(options), {"table", "name", "unit", "meaning"}, output.sink());
  const auto print = [&table](const char* group, std::span<const ColumnInfo> columns) {
    for (const ColumnInfo& column : columns) {
      table.cell(group).cell(column.name).cell(column.unit).cell(column.meaning).end_row();
    }
  };
  print("structure", structure_columns());
  print("curve", curve_columns());
  print("ranking", ranking_columns());
  print("frontier", frontier_columns());
  print("roll-out", rollout_columns());
  print("explanation", effect_columns());
  print("score", score_columns());
  print("surface law", surface_columns());
  print("line", line_columns());
  print("inspect", inspect_columns());
  print("ladder", ladder_columns());
  print("suggested ladder", suggestion_columns());
  print("bench", bench_columns());
  print("bench", peer_columns());
  print("sweep --dry-run", plan_columns());
  print("status", status_columns());
  print("check", tuning_columns());
  print("search", search_columns());
  print("search --dry-run", search_plan_columns());
  print("decisions.csv", decision_columns());
  print("search --replay", replay_columns());
  print("selftest", selftest_columns());
  table.finish();
  output.finish();
  return kDone;
}

}  // namespace

void add_columns(CLI::App& app, Program& program) {
  static OutputOptions options;
  CLI::App* command = app.add_subcommand("columns", "Explain every column of every table");
  add_output_options(*command, options);
  command->callback([&program] { program.run = [] { return print_columns(options); }; });
}

}  // namespace einsearch
