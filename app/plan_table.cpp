#include "plan_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/columns.h"
#include "log.h"
#include "search/plan_report.h"
#include "structure/family.h"
#include "structure/notation.h"

namespace einsearch {

std::string duration_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.2g} s", seconds);
  if (seconds < 6000) return fmt::format("{:.3g} min", seconds / 60);
  return fmt::format("{:.3g} h", seconds / 3600);
}

void print_plan(const Plan& plan, const PlanPrint& print, const Threads& threads) {
  std::vector<PlanRow> rows = summarise(plan);
  constexpr double kSeconds = 0.5;
  if (print.is_timed) estimate_times(rows, kSeconds);
  Output output(print.output.path);
  TableWriter table(chosen_format(print.output), column_names(plan_columns()), output.sink());
  double time = 0;
  for (const PlanRow& row : rows) {
    const RunSpec& spec = row.first->spec;
    const ModelOptions& model = model_options(spec.model);
    table.cell(structure_text(model))
        .cell(to_string(family(model.structure)))
        .cell(to_string(model.structure.theta))
        .cell(model.width)
        .cell(model.depth)
        .cell(row.first->params)
        .cell(row.flops)
        .cell(spec.batch)
        .cell(to_string(spec.schedule.kind))
        .cell(spec.steps)
        .cell(row.runs)
        .cell(row.train_flops)
        .cell(std::round(row.memory_bytes / 1024 / 10.24) / 100)
        .cell(row.decades);
    row.time_s > 0 ? table.cell(row.time_s) : table.missing();
    table.end_row();
    time += row.time_s;
  }
  table.finish();
  output.finish();
  for (const std::string& warning : warnings_of(rows)) log_warning(warning);

  const std::vector<Job> jobs = jobs_of(plan);
  double cost = 0;
  for (const Job& job : jobs) cost += job.cost;
  std::string text = fmt::format("{} runs, {:.3g} training FLOPs", plan.runs.size(), cost);
  if (cost < plan.train_flops)
    text += fmt::format(" ({:.3g} if branches shared no trunk)", plan.train_flops);
  const Shard& shard = print.shard;
  const double longest = jobs.empty() ? 0 : jobs.front().cost / cost;
  const Count workers = shard.count * threads.count();
  const double share = std::max(longest, imbalance(jobs, workers) / static_cast<double>(workers));
  const std::string where =
      fmt::format("{} thread{}", workers, workers == 1 ? "" : "s") +
      (shard.count > 1 ? fmt::format(" of {} machines like this", shard.count) : "");
  if (time > 0) {
    text += fmt::format(
        "; about {} on {}", duration_text(time * (cost / plan.train_flops) * share), where);
  }
  if (workers > 1) {
    text += fmt::format(
        "{} {:.3g} times as fast as one", time > 0 ? "," : "; " + where + " are", 1 / share);
  }
  log_info(text);
  if (shard.count > 1) {
    log_info(fmt::format(
        "{} shards: the largest is {:.4f} of the mean", shard.count, imbalance(jobs, shard.count)));
  }
}

}  // namespace einsearch
