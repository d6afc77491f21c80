#include "replay_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/suggest.h"
#include "exit_status.h"
#include "io/columns.h"
#include "io/curve_csv.h"
#include "log.h"
#include "output.h"
#include "search/replay.h"
#include "search/store.h"

namespace einsearch {
namespace {

/// All curves, in an order that depends on the runs alone.
std::vector<Curve> archived_curves(const std::vector<std::string>& archives) {
  std::vector<Curve> curves;
  std::vector<std::string> files;
  for (const std::string& path : archives) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    const RunStore store(path);
    for (const auto& [id, run] : store.runs()) curves.push_back(store.read(run).curve);
  }
  if (!files.empty()) {
    CurveFile read = read_curves(files);
    for (const std::string& remark : read.remarks) log_warning(remark);
    std::move(read.curves.begin(), read.curves.end(), std::back_inserter(curves));
  }
  std::sort(
      curves.begin(), curves.end(), [](const Curve& a, const Curve& b) { return a.run < b.run; });
  return curves;
}

std::vector<std::string> wanted_strategies(const std::string& name, bool is_one) {
  const std::vector<std::string>& known = replay_strategies();
  if (!is_one) return known;
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    throw Error("unknown strategy",
                {.where = "--strategy",
                 .expected = fmt::format("{}", fmt::join(known, ", ")),
                 .got = "\"" + name + "\"",
                 .hint = did_you_mean(name, known)});
  }
  return {name};
}

}  // namespace

int replay_search(const std::vector<std::string>& archives,
                  const BudgetSearchOptions& options,
                  bool is_one) {
  const std::vector<std::string> strategies = wanted_strategies(options.strategy, is_one);
  const ReplayArchive archive = read_archive(archived_curves(archives));
  for (const std::string& note : archive.notes) log_warning(note);
  const std::vector<double>& scales = archive.candidates.front().flops;
  log_info(fmt::format(
      "{} structures beside dense, {} scales of {:.2g} to {:.2g} training FLOPs, {} seed{}",
      archive.candidates.size() - 1,
      scales.size(),
      scales.front(),
      scales.back(),
      archive.seeds,
      archive.seeds == 1 ? ", which is its own truth" : "s, each judged by the others"));
  HalvingOptions halving;
  halving.target = options.target_compute;
  halving.finalists = options.finalists;
  halving.seed = static_cast<std::uint64_t>(options.seed);
  halving.n_threads = options.execution.thread_count();
  Output output("-");
  TableWriter table(
      chosen_format({.format = options.format}), column_names(replay_columns()), output.sink());
  for (const ReplayRow& row : replay(archive, strategies, halving)) {
    table.cell(row.strategy).cell(row.runs);
    for (const double value : {row.cost_share, row.regret, row.tau, row.top_1, row.recall})
      table.number_or_missing(value);
    table.cell(static_cast<Count>(row.k)).cell(fmt::format("{}", fmt::join(row.chosen, ";")));
    table.end_row();
  }
  table.finish();
  output.finish();
  return kDone;
}

}  // namespace einsearch
