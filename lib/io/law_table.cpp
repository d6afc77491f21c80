#include "io/law_table.h"

#include <cmath>

namespace einsearch {
namespace {

void write_held_out(TableWriter& table, Count n, double error) {
  if (n == 0) {
    table.missing().missing();
  } else {
    table.cell(n);
    table.number_or_missing(error);
  }
}

}  // namespace

void write_estimate(TableWriter& table, const Estimate& estimate) {
  for (const double value :
       {estimate.value, estimate.low, estimate.high, estimate.low_80, estimate.high_80}) {
    table.number_or_missing(value);
  }
}

void write_surface_rows(TableWriter& table, const std::vector<SurfaceRow>& rows) {
  for (const SurfaceRow& row : rows) {
    table.cell(row.group).cell(row.law.n_points).cell(row.n_runs);
    for (const Estimate* estimate :
         {&row.irreducible_loss, &row.a, &row.alpha, &row.b, &row.beta, &row.optimal_n_exponent}) {
      write_estimate(table, *estimate);
    }
    if (row.law.is_usable()) {
      table.cell(row.law.objective);
      row.huber_delta ? table.cell(*row.huber_delta) : table.missing();
      table.cell(row.law.rms_residual).cell(row.law.n_points - 5).cell(row.law.restart_gap);
    } else {
      for (int i = 0; i < 5; ++i) table.missing();
    }
    table.cell(to_string(row.law.status));
    write_held_out(table, row.n_held_out, row.held_out_error);
    row.target_compute ? table.cell(*row.target_compute) : table.missing();
    for (const Estimate* estimate : {&row.optimal_n, &row.optimal_d, &row.predicted_loss}) {
      write_estimate(table, *estimate);
    }
    row.extrapolated_by > 1 ? table.cell(row.extrapolated_by) : table.missing();
    table.end_row();
  }
}

void write_line_rows(TableWriter& table, const std::vector<LineRow>& rows) {
  for (const LineRow& row : rows) {
    const bool has_line = row.line.n > 0;
    table.cell(row.group).cell(static_cast<Count>(row.line.n)).cell(row.n_runs);
    write_estimate(table, row.slope);
    table.number_or_missing(has_line ? row.line.slope_stderr : kMissing);
    write_estimate(table, row.prefactor);
    for (const double value : {row.line.r_squared, row.rms_residual}) {
      table.number_or_missing(has_line ? value : kMissing);
    }
    has_line ? table.cell(static_cast<Count>(row.line.n) - 2) : table.missing();
    table.number_or_missing(has_line ? row.min_x : kMissing);
    table.number_or_missing(has_line ? row.max_x : kMissing);
    table.cell(has_line ? "converged" : "too_few_points");
    write_held_out(table, row.n_held_out, row.held_out_error);
    table.end_row();
  }
}

}  // namespace einsearch
