// Laws fitted to points, as tables: a row per group; columns are in io/law_columns.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fit/estimate.h"
#include "fit/line.h"
#include "fit/surface_law.h"
#include "io/table.h"

namespace einsearch {

struct SurfaceRow {
  std::string group;
  Count n_runs = 0;
  SurfaceLaw law;
  std::optional<double> huber_delta;
  Estimate irreducible_loss, a, alpha, b, beta, optimal_n_exponent;
  Count n_held_out = 0;
  double held_out_error = 0;
  std::optional<double> target_compute;
  Estimate optimal_n, optimal_d, predicted_loss;
  double extrapolated_by = 1;  ///< 1: not
};

struct LineRow {
  std::string group;
  Count n_runs = 0;
  LineFit line;  ///< of log y on log x; n = 0 where there are too few points
  Estimate slope, prefactor;
  double rms_residual = 0;
  double min_x = 0;
  double max_x = 0;
  Count n_held_out = 0;
  double held_out_error = 0;
};

void write_surface_rows(TableWriter& table, const std::vector<SurfaceRow>& rows);
void write_line_rows(TableWriter& table, const std::vector<LineRow>& rows);

/// Value, 95 % and 80 % interval: five cells.
void write_estimate(TableWriter& table, const Estimate& estimate);

}  // namespace einsearch
