// einsearch export, status, merge, verify: what to do with the store of a sweep.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "io/columns.h"
#include "io/curve_csv.h"
#include "log.h"
#include "output.h"
#include "progress.h"
#include "search/claims.h"
#include "search/store.h"
#include "sweep_config.h"
#include "train/run.h"

namespace einsearch {
namespace {

struct StoreOptions {
  std::string store;
  std::vector<std::string> sources;
  std::string target;
  bool leaves_out_times = false, mixes_numerics = false, watches = false;
  Count sample = 20, seed = 0;
  double seconds = 10;
  Count threads = 0;
  OutputOptions output;
};

/// The runs that the sweeps of a store were for, by identity.
std::map<std::string, PlannedRun> planned_runs(const RunStore& store) {
  std::map<std::string, PlannedRun> runs;
  const Threads threads(available_threads());
  for (const auto& [name, text] : store.sweeps()) {
    const std::string path = store.folder() + "/sweeps/" + name;
    try {
      for (PlannedRun& run : make_plan(grid_of_config(text, path), threads).runs)
        runs.try_emplace(run.id, std::move(run));
    } catch (const Error& fault) {
      log_warning(fmt::format("{}: its plan is unknown here: {}", path, fault.what()));
    }
  }
  return runs;
}

int export_store(const StoreOptions& options) {
  const RunStore store(options.store);
  const TimeColumns times = options.leaves_out_times ? TimeColumns::left_out : TimeColumns::written;
  Output output(options.output.path);
  TableWriter table(chosen_format(options.output), curve_csv_columns(times), output.sink());
  for (const Curve& curve : curves_of(store)) write_curve_rows(table, curve, times);
  table.finish();
  output.finish();
  if (const Count torn = store.torn_lines(); torn > 0)
    log_info(fmt::format("{}: {} torn line(s) passed over", options.store, torn));
  return kDone;
}

struct StructureStatus {
  Count planned = 0, done = 0, diverged = 0, failed = 0, in_work = 0;
  double best_loss = kMissing;
};

/// Structures of the runs that sweeps and the stages of searches are for, by identity.
std::map<std::string, std::string> planned_structures(
    const std::map<std::string, PlannedRun>& sweeps, const std::vector<SearchStage>& searches) {
  std::map<std::string, std::string> planned;
  for (const auto& [id, run] : sweeps) planned[id] = structure_text(model_options(run.spec.model));
  for (const SearchStage& search : searches) planned.insert(search.runs.begin(), search.runs.end());
  return planned;
}

/// True when everything planned is done, and every search over.
bool print_status(const RunStore& store,
                  const std::map<std::string, PlannedRun>& sweeps,
                  const StoreOptions& options) {
  const std::vector<SearchStage> searches = store.stages();
  const std::map<std::string, std::string> planned = planned_structures(sweeps, searches);
  std::map<std::string, StructureStatus> rows;
  StructureStatus total;
  for (const auto& [id, structure] : planned) {
    ++rows[structure].planned;
    ++total.planned;
  }
  const ClaimSummary claims = summarise_claims(store.folder());
  for (const std::string& id : claims.runs) {
    const auto run = planned.find(id);
    if (run == planned.end() || store.find(id) != nullptr) continue;
    ++rows[run->second].in_work;
    ++total.in_work;
  }
  Count done_of_planned = 0;
  for (const auto& [id, run] : store.runs()) {
    const Curve curve = store.read(run).curve;
    StructureStatus& row = rows[curve.structure];
    for (StructureStatus* counted : {&row, &total}) {
      ++counted->done;
      counted->diverged += run.status == RunStatus::diverged ? 1 : 0;
      counted->failed += run.status == RunStatus::failed ? 1 : 0;
    }
    done_of_planned += planned.contains(id) ? 1 : 0;
    const double loss = curve.points.back().loss;
    if (run.status == RunStatus::ok && !(row.best_loss <= loss)) row.best_loss = loss;
  }
  Output output(options.output.path);
  TableWriter table(chosen_format(options.output), column_names(status_columns()), output.sink());
  for (const auto& [name, row] : rows) {
    table.cell(name).cell(row.planned).cell(row.done).cell(row.diverged).cell(row.failed);
    table.cell(row.in_work);
    std::isnan(row.best_loss) ? table.missing() : table.cell(row.best_loss);
    table.end_row();
  }
  table.finish();
  output.finish();
  log_info(fmt::format(
      "{}: {} run(s); {} of {} planned runs done, {} diverged, {} failed, {} in work, {} "
      "sweep(s) running on this machine, {} torn line(s)",
      store.folder(),
      store.runs().size(),
      done_of_planned,
      total.planned,
      total.diverged,
      total.failed,
      total.in_work,
      claims.living_writers,
      store.torn_lines()));
  bool is_over = done_of_planned >= total.planned;
  for (const SearchStage& search : searches) {
    log_info(fmt::format("{}: search: {}", store.folder(), search.what));
    is_over = is_over && search.runs.empty();
  }
  return is_over;
}

int status(const StoreOptions& options) {
  RunStore store(options.store);
  const std::map<std::string, PlannedRun> planned = planned_runs(store);
  while (true) {
    const bool is_terminal = isatty(STDOUT_FILENO) == 1;
    if (options.watches && is_terminal) fmt::print("\033[H\033[J");
    const bool is_done = print_status(store, planned, options);
    if (is_done || !options.watches) return is_done ? kDone : kIncomplete;
    std::this_thread::sleep_for(std::chrono::seconds(2));
    store.refresh();
  }
}

int merge(const StoreOptions& options) {
  const Count added = merge_stores(options.sources, options.target, options.mixes_numerics);
  log_info(fmt::format(
      "{}: {} run(s) added from {} store(s)", options.target, added, options.sources.size()));
  return kDone;
}

std::string rows_text(const Curve& curve, std::size_t points) {
  std::string text;
  TableWriter table(TableFormat::csv,
                    curve_csv_columns(TimeColumns::left_out),
                    [&text](std::string_view part) { text += part; });
  for (std::size_t i = 0; i < std::min(points, curve.points.size()); ++i)
    write_curve_row(table, curve, curve.points[i], TimeColumns::left_out);
  table.finish();
  return text;
}

/// Trains again, for about `seconds`, and compares what it got to. Returns the last step compared.
std::optional<Count> verified_steps(const PlannedRun& run,
                                    const Curve& stored,
                                    double seconds,
                                    const Threads& threads) {
  const std::unique_ptr<Task<float>> task = make_task<float>(run.spec.task);
  const auto start = std::chrono::steady_clock::now();
  std::size_t points = 0;
  RunObserver observer;
  observer.on_record = [&](const Curve& curve) { points = curve.points.size(); };
  observer.should_stop = [&] {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return points > 1 && elapsed.count() > seconds;
  };
  const Curve again = train<float>(run.spec, *task, threads, observer);
  if (rows_text(again, points) != rows_text(stored, points)) return std::nullopt;
  return again.points.back().step;
}

int verify(const StoreOptions& options) {
  const RunStore store(options.store);
  std::vector<std::pair<const PlannedRun*, const StoredRun*>> candidates;
  const std::map<std::string, PlannedRun> planned = planned_runs(store);
  Count elsewhere = 0;
  for (const auto& [id, run] : planned) {
    const StoredRun* stored = store.find(id);
    if (stored == nullptr || stored->status == RunStatus::failed) continue;
    const bool is_ours = stored->numerics == kNumericsVersion && id == run_id(run.spec);
    if (is_ours) candidates.emplace_back(&run, stored);
    if (!is_ours) ++elsewhere;
  }
  if (elsewhere > 0) {
    log_info(fmt::format("{} run(s) of another numerics version or another trainer passed over",
                         elsewhere));
  }
  std::mt19937_64 random(static_cast<std::uint64_t>(options.seed));
  std::shuffle(candidates.begin(), candidates.end(), random);
  candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(options.sample)));
  const Threads threads(options.threads > 0 ? static_cast<int>(options.threads)
                                            : available_threads());
  Progress progress("verify");
  Count differing = 0, done = 0, whole = 0;
  for (const auto& [run, stored] : candidates) {
    const Curve curve = store.read(*stored).curve;
    const std::optional<Count> steps = verified_steps(*run, curve, options.seconds, threads);
    if (!steps) {
      ++differing;
      log_warning(fmt::format("run {} ({} at width {}) does not give the stored numbers",
                              run->id,
                              curve.structure,
                              curve.width));
    }
    whole += steps == curve.points.back().step ? 1 : 0;
    ++done;
    progress.update(static_cast<double>(done) / static_cast<double>(candidates.size()),
                    fmt::format("{}/{} runs", done, candidates.size()));
  }
  progress.clear();
  log_info(fmt::format("{}: {} run(s) trained again, {} of them to the end, {} differ",
                       options.store,
                       done,
                       whole,
                       differing));
  return differing > 0 ? kFailed : kDone;
}

CLI::App* add_command(CLI::App& app,
                      Program& program,
                      const char* name,
                      const char* meaning,
                      int (*run)(const StoreOptions&)) {
  static std::map<std::string, StoreOptions> options;
  CLI::App* command = app.add_subcommand(name, meaning);
  StoreOptions& own = options[name];
  command->callback([&program, &own, run] { program.run = [&own, run] { return run(own); }; });
  const std::string command_name = name;
  if (command_name == "merge") {
    command->add_option("stores", own.sources, "stores to read")->type_name("DIR...")->required();
    command->add_option("-o,--output", own.target, "store to add to; made if need be")
        ->type_name("DIR")
        ->required();
    command->add_flag("--mix-numerics", own.mixes_numerics, "merge runs of different numerics");
    return command;
  }
  command->add_option("store", own.store, "folder of a sweep")->type_name("DIR")->required();
  if (command_name == "export")
    command->add_flag("--no-times", own.leaves_out_times, "leave out time_s");
  if (command_name == "status")
    command->add_flag("--watch", own.watches, "again every two seconds, until all is done");
  if (command_name == "verify") {
    add_count(*command, "--sample", own.sample, "runs to train again, chosen at random (20)");
    add_count(*command, "--seed", own.seed, "of that choice (0)", kNonNegative);
    add_real(*command,
             "--seconds",
             own.seconds,
             "longer runs are compared as far as this goes (10)",
             {0, 1e9});
    add_count(*command, "--threads", own.threads, "threads (all cores)", {1, 4096});
  } else {
    add_output_options(*command, own.output);
  }
  return command;
}

}  // namespace

void add_store_commands(CLI::App& app, Program& program) {
  add_command(app, program, "export", "Print the curves of a store as one table", export_store);
  add_command(app, program, "status", "Say how far the sweeps of a store are", status);
  add_command(app, program, "merge", "Put the runs of several stores into one", merge);
  add_command(app, program, "verify", "Train some runs of a store again and compare", verify);
}

}  // namespace einsearch
