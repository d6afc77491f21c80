// einsearch check: is each structure fairly tuned?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "fit/ranking.h"
#include "fit/tuning.h"
#include "io/columns.h"
#include "io/curve_csv.h"
#include "io/tuning_table.h"
#include "log.h"
#include "output.h"
#include "search/store.h"
#include "sweep_config.h"

namespace einsearch {
namespace {

struct CheckOptions {
  std::vector<std::string> sources;
  double offset = -1;  ///< below zero: fitted
  OutputOptions output;
};

/// The irreducible loss that the structures' laws share; 0 where there are no laws.
double fitted_offset(std::span<const Curve> curves, const std::vector<UsualSettings>& usual) {
  std::vector<Curve> fitted;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (has_usual_settings(curves[i], usual[i])) fitted.push_back(curves[i]);
  }
  RankingOptions options;
  options.bootstrap.n_replicates = 0;
  try {
    const double offset = rank_structures(fitted, options).joint.offset;
    return std::isfinite(offset) ? offset : 0;
  } catch (const Error&) {
    return 0;
  }
}

std::string quoted_for_shell(const std::string& text) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_.,:@=/").find(static_cast<char>(c)) != std::string_view::npos;
  });
  return is_plain ? text : "'" + text + "'";
}

/// The smaller and the larger of the widths at which a check shows most: not the ends, if there are
/// others.
std::vector<Count> two_of(const std::vector<Count>& widths) {
  if (widths.size() < 2) return widths;
  const std::size_t from_end = widths.size() > 3 ? 1 : 0;
  return {widths[from_end], widths[widths.size() - 1 - from_end]};
}

/// The sweep of the store that has most runs, with other widths: what a user would type.
std::string sweep_of_store(const std::string& folder) {
  const RunStore store(folder);
  std::string best;
  std::size_t most = 0;
  for (const auto& [name, text] : store.sweeps()) {
    const std::string path = store.folder() + "/sweeps/" + name;
    try {
      const Grid grid = grid_of_config(text, path);
      std::vector<Count> widths;
      for (const Index width : grid.match ? grid.match->widths : grid.widths)
        widths.push_back(width);
      std::sort(widths.begin(), widths.end());
      const std::size_t size = widths.size() * grid.structures.size() * grid.seeds.size();
      if (size <= most) continue;
      most = size;
      const std::string list = fmt::format("{}", fmt::join(two_of(widths), ","));
      best = fmt::format("einsearch sweep --store {} --config {} ",
                         quoted_for_shell(folder),
                         quoted_for_shell(path)) +
             (grid.match
                  ? fmt::format("--match {}@{}", quoted_for_shell(grid.match->reference.name), list)
                  : "--widths " + list);
    } catch (const Error&) {
      continue;  // its data are not here
    }
  }
  return best;
}

/// A sweep like the one that may have made these curves.
std::string sweep_of_curves(std::span<const Curve> curves,
                            const std::vector<UsualSettings>& usual) {
  std::set<std::string> names;
  std::set<Count> dense_widths, widths;
  const Curve* longest = nullptr;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    if (curve.points.empty()) continue;
    names.insert(curve.structure);
    (curve.structure == "dense" ? dense_widths : widths).insert(curve.width);
    if (curve.lr != usual[i].rate) continue;
    if (longest == nullptr || longest->points.back().step < curve.points.back().step)
      longest = &curve;
  }
  if (longest == nullptr || longest->batch == 0) return "";
  const bool has_dense = !dense_widths.empty();
  const std::set<Count>& chosen = has_dense ? dense_widths : widths;
  const std::vector<Count> two = two_of({chosen.begin(), chosen.end()});
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(name);
  return fmt::format(
      "einsearch sweep --store DIR --structures {} {} {} --horizon steps:{} "
      "--batch {} --lr {:g}",
      quoted_for_shell(fmt::format("{}", fmt::join(quoted, ","))),
      has_dense ? "--match" : "--widths",
      (has_dense ? "dense@" : "") + fmt::format("{}", fmt::join(two, ",")),
      longest->points.back().step,
      longest->batch,
      longest->lr);
}

/// Rates beyond the ends that are best somewhere, as factors of the usual one; empty: none.
std::string wanted_factors(const TuningReport& report) {
  double below = 0, above = 0;
  constexpr std::size_t kLeastRates = 3;
  for (const SettingFan& fan : report.rate_fans) {
    if (fan.value.size() < kLeastRates) continue;
    const auto lowest = std::min_element(fan.log_loss.begin(), fan.log_loss.end());
    const double low = fan.value.front() / fan.reference, high = fan.value.back() / fan.reference;
    if (lowest == fan.log_loss.begin()) below = below > 0 ? std::min(below, low) : low;
    if (lowest + 1 == fan.log_loss.end()) above = std::max(above, high);
  }
  std::vector<std::string> factors;
  if (below > 0) factors.push_back(fmt::format("{:g},{:g}", below / 4, below / 2));
  if (above > 0) factors.push_back(fmt::format("{:g},{:g}", 2 * above, 4 * above));
  return fmt::format("{}", fmt::join(factors, ","));
}

/// The commands that would supply what was not run.
std::vector<std::string> missing_runs(const TuningReport& report,
                                      const std::string& sweep,
                                      Count batch) {
  std::vector<std::string> lines;
  const auto count = [&report](TuningCheck StructureTuning::*check) {
    return std::count_if(report.rows.begin(), report.rows.end(), [check](const auto& row) {
      return (row.*check).verdict == Verdict::not_run;
    });
  };
  const auto add = [&](auto n, const std::string& what, const std::string& options) {
    if (n == 0) return;
    lines.push_back(
        fmt::format("{} not run for {} of {} structure(s)", what, n, report.rows.size()) +
        (sweep.empty() ? "" : ": " + sweep + " " + options));
  };
  add(count(&StructureTuning::range), "learning rates", "--lr-factors 0.25..4*2");
  const auto at_ends = std::count_if(report.rows.begin(), report.rows.end(), [](const auto& row) {
    return row.n_inside < row.n_fans;
  });
  add(at_ends, "rates beyond the ends", "--lr-factors " + wanted_factors(report));
  add(count(&StructureTuning::batch),
      "batches",
      batch > 1 ? fmt::format("--batches {},{},{}", batch / 2, batch, 2 * batch)
                : "--batches LIST");
  return lines;
}

int check(const CheckOptions& options) {
  std::vector<std::string> files;
  std::vector<Curve> curves;
  std::string sweep;
  for (const std::string& source : options.sources) {
    if (!std::filesystem::is_directory(source)) {
      files.push_back(source);
      continue;
    }
    for (Curve& curve : curves_of(RunStore(source))) curves.push_back(std::move(curve));
    if (sweep.empty()) sweep = sweep_of_store(source);
  }
  if (!files.empty()) {
    CurveFile read = read_curves(files);
    for (const std::string& remark : read.remarks) log_warning(remark);
    for (Curve& curve : read.curves) curves.push_back(std::move(curve));
  }
  std::erase_if(curves, [](const Curve& curve) { return status_of(curve) == RunStatus::failed; });
  if (curves.empty()) {
    throw Error("nothing to check",
                {.where = options.sources.front(), .expected = "runs that did not fail"});
  }
  const std::vector<UsualSettings> usual = usual_settings(curves);
  const double offset = options.offset >= 0 ? options.offset : fitted_offset(curves, usual);
  const TuningReport report = check_tuning(curves, offset);

  Output output(options.output.path);
  const TableFormat format = chosen_format(options.output);
  const bool is_summary = format == TableFormat::table && options.output.format.empty();
  TableWriter table(format,
                    is_summary ? tuning_summary_columns() : column_names(tuning_columns()),
                    output.sink());
  is_summary ? write_tuning_summary(table, report) : write_tuning(table, report);
  table.finish();
  output.finish();
  for (const std::string& line : tuning_lines(report)) log_info(line);
  if (sweep.empty()) sweep = sweep_of_curves(curves, usual);
  for (const std::string& line : missing_runs(report, sweep, usual.front().batch)) log_info(line);
  log_info(
      fmt::format("irreducible loss taken off for collapse: {:.3g}; relative updates are not "
                  "recorded in curves",
                  offset));
  return kDone;
}

}  // namespace

void add_check(CLI::App& app, Program& program) {
  static CheckOptions options;
  CLI::App* command =
      app.add_subcommand("check", "Say whether each structure was fairly tuned, with evidence");
  command
      ->add_option(
          "SOURCES", options.sources, "stores of sweeps, or CSV of learning curves (-: stdin)")
      ->type_name("DIR|FILE")
      ->required();
  add_real(*command,
           "--offset",
           options.offset,
           "irreducible loss that collapse takes off (that which the structures' laws share)",
           {0, std::numeric_limits<double>::max()});
  add_output_options(*command, options.output);
  command->callback([&program] { program.run = [] { return check(options); }; });
}

}  // namespace einsearch
