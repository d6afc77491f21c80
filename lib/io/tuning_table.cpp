#include "io/tuning_table.h"

#include <fmt/format.h>

namespace einsearch {
namespace {

void put_estimate(TableWriter& table, const Estimate& estimate) {
  table.number_or_missing(estimate.value);
  table.number_or_missing(estimate.low);
  table.number_or_missing(estimate.high);
}

void put_check(TableWriter& table, const TuningCheck& check) {
  put_estimate(table, check.number);
  table.cell(to_string(check.verdict));
}

std::string in_words(const TuningCheck& check) {
  if (check.verdict == Verdict::not_run) return to_string(check.verdict);
  return fmt::format("{:.2g} {}", check.number.value, to_string(check.verdict));
}

}  // namespace

void write_tuning(TableWriter& table, const TuningReport& report) {
  for (const StructureTuning& row : report.rows) {
    table.cell(row.structure).cell(row.family).cell(row.n_widths);
    table.number_or_missing(row.rate);
    table.cell(row.n_fans).cell(row.n_inside).cell(to_string(row.range.verdict));
    put_check(table, row.drift);
    table.count_or_missing(row.fan_width);
    put_estimate(table, row.best_factor);
    put_check(table, row.regained);
    put_check(table, row.features);
    put_check(table, row.collapse);
    put_check(table, row.scatter);
    table.count_or_missing(row.batch_width);
    table.number_or_missing(row.best_batch);
    put_check(table, row.batch);
    table.cell(to_string(row.tuning));
    table.end_row();
  }
}

std::vector<std::string> tuning_summary_columns() {
  return {"structure",
          "lr_range",
          "lr_best_factor",
          "lr_drift",
          "lr_regained",
          "rms_exponent",
          "collapse",
          "scatter",
          "batch_regained",
          "tuning"};
}

void write_tuning_summary(TableWriter& table, const TuningReport& report) {
  for (const StructureTuning& row : report.rows) {
    table.cell(row.structure);
    table.cell(
        row.n_fans == 0
            ? to_string(row.range.verdict)
            : fmt::format("{}/{} {}", row.n_inside, row.n_fans, to_string(row.range.verdict)));
    table.number_or_missing(row.best_factor.value);
    for (const TuningCheck* check :
         {&row.drift, &row.regained, &row.features, &row.collapse, &row.scatter, &row.batch})
      table.cell(in_words(*check));
    table.cell(to_string(row.tuning));
    table.end_row();
  }
}

}  // namespace einsearch
