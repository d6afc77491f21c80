#include "search_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/columns.h"
#include "io/curve_csv.h"
#include "io/frontier_plot.h"
#include "io/ranks_plot.h"
#include "io/rates_plot.h"
#include "log.h"
#include "output.h"

namespace einsearch {
namespace {

/// A picture where there is something to draw.
void write_picture(const std::string& path, const std::function<std::string()>& draw) {
  std::string svg;
  try {
    svg = draw();
  } catch (const SystemError&) {
    throw;
  } catch (const Error& fault) {
    log_info(fmt::format("no {}: {}", path, fault.what()));
    return;
  }
  write_file(path, svg);
  log_info("wrote " + path);
}

void write_pictures(const SearchLoop& loop,
                    const HalvingState& state,
                    const SearchResultOptions& options) {
  std::vector<std::string> names = {"dense"};
  for (const std::size_t c : state.finalists) names.push_back(state.candidates[c].name);
  const auto is_shown = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<Curve> curves;  // of the selection, all on one target
  for (Curve& curve : loop.curves()) {
    if (is_shown(curve.structure) && curve.seed_init < kConfirmationSeeds)
      curves.push_back(std::move(curve));
  }
  const TuningReport tuning = check_tuning(curves);
  const Ranking& selection = state.selection->ranking;
  write_picture(options.folder + "/frontiers.svg", [&] {
    std::vector<Curve> usual;
    for (std::size_t i = 0; i < curves.size(); ++i) {
      if (tuning.is_usual[i]) usual.push_back(curves[i]);
    }
    Ranking shown = selection;
    std::erase_if(shown.rows, [&](const auto& row) { return !is_shown(row.structure); });
    return frontier_svg(
        shown,
        usual,
        {.title = options.title + ": loss against training compute of the finalists"});
  });
  write_picture(options.folder + "/rates.svg", [&] {
    return rates_svg(tuning, options.title + ": learning rates of the finalists");
  });
  write_picture(options.folder + "/ranks.svg", [&] {
    return ranks_svg(selection, options.title + ": ranks as the selection predicts them");
  });
}

}  // namespace

void write_search_results(const SearchLoop& loop,
                          const HalvingState& state,
                          const SearchResultOptions& options) {
  const std::vector<Curve> curves = loop.curves();
  const SearchReport report{loop, state, check_tuning(curves), options.failed};
  const auto write_table = [&](const char* name,
                               const std::vector<std::string>& columns,
                               const std::function<void(TableWriter&)>& write) {
    const std::string path = options.folder + "/" + name;
    write_file(path, csv_text(columns, write));
    log_info("wrote " + path);
  };
  for (const std::string& line : search_lines(report)) log_info(line);
  write_table("ranking.csv", column_names(search_columns()), [&](TableWriter& table) {
    write_search(table, report, SearchRows::all);
  });
  write_table("decisions.csv", column_names(decision_columns()), [&](TableWriter& table) {
    write_decisions(table, state);
  });
  write_table("curves.csv", curve_csv_columns(TimeColumns::left_out), [&](TableWriter& table) {
    for (const Curve& curve : curves) write_curve_rows(table, curve, TimeColumns::left_out);
  });
  write_pictures(loop, state, options);

  Output output("-");
  const TableFormat format = chosen_format({.format = options.format});
  const bool is_summary = format == TableFormat::table;
  TableWriter table(format,
                    is_summary ? search_summary_columns() : column_names(search_columns()),
                    output.sink());
  if (is_summary) {
    write_search_summary(table, report);
  } else {
    write_search(table, report, SearchRows::confirmed);
  }
  table.finish();
  output.finish();
}

}  // namespace einsearch
