// einsearch fit-scaling --law surface | line: laws of points in any table.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "exit_status.h"
#include "fit/quantile.h"
#include "fit_options.h"
#include "io/law_columns.h"
#include "io/law_table.h"
#include "io/point_csv.h"
#include "log.h"

namespace einsearch {
namespace {

constexpr double kFarthest = 10;  // compute beyond the data that is predicted without --force

PointColumns point_columns(const FitScalingOptions& options) {
  const CurveColumnNames usual;
  PointColumns columns;
  columns.group = split_names(options.columns.structure);
  columns.is_group_optional = options.columns.structure == usual.structure;
  columns.run = options.columns.run == usual.run ? "" : options.columns.run;
  if (options.law == "surface") {
    columns.values = {options.n_column.empty() ? "params" : options.n_column,
                      options.d_column.empty() ? "examples" : options.d_column,
                      options.columns.loss};
  } else {
    columns.values = {options.columns.train_flops, options.columns.loss};
  }
  for (const std::string& text : options.where) {
    columns.where.push_back(parse_condition(text, "--where"));
  }
  for (const std::string& text : options.hold_out) {
    columns.hold_out.push_back(parse_condition(text, "--hold-out"));
  }
  return columns;
}

/// A value with the middle 95 and 80 % of its replicates, their distance from the value times
/// `shrinkage`.
Estimate with_percentiles(double value, const std::vector<double>& replicates, double shrinkage) {
  Estimate estimate{.value = value};
  if (replicates.size() < 2) return estimate;
  const Interval wide = percentile_interval(replicates, 0.95);
  const Interval narrow = percentile_interval(replicates, 0.8);
  const auto end = [value, shrinkage](double replicate) {
    return shrinkage == 1 ? replicate : value + shrinkage * (replicate - value);
  };
  estimate.low = end(wide.low);
  estimate.high = end(wide.high);
  estimate.low_80 = end(narrow.low);
  estimate.high_80 = end(narrow.high);
  return estimate;
}

template <typename Law, typename Function>
Estimate estimate_of(const Law& law,
                     const std::vector<Law>& replicates,
                     Function function,
                     double shrinkage = 1) {
  std::vector<double> values;
  for (const Law& replicate : replicates) values.push_back(function(replicate));
  return with_percentiles(function(law), values, shrinkage);
}

std::vector<SurfacePoint> fitted_points(const PointGroup& group, const FitScalingOptions& options) {
  std::vector<SurfacePoint> points;
  for (const PointRow& row : group.rows) {
    if (row.is_held_out) continue;
    points.push_back(
        {row.values[0] / options.n_unit, row.values[1] / options.d_unit, row.values[2], row.run});
  }
  return points;
}

/// Numbers the clusters that remain from 0 on.
void renumber(std::vector<SurfacePoint>& points) {
  std::vector<Index> seen;
  for (const SurfacePoint& point : points) seen.push_back(point.cluster);
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (SurfacePoint& point : points) {
    point.cluster = std::lower_bound(seen.begin(), seen.end(), point.cluster) - seen.begin();
  }
}

void add_optimum(SurfaceRow& row,
                 const std::vector<SurfaceLaw>& replicates,
                 const std::vector<SurfacePoint>& points,
                 const FitScalingOptions& options) {
  const double target = options.target_compute;
  double most = 0;
  // Compute is k N D in the units of the columns, as the user's FLOPs are.
  const double units = options.flops_per_nd * options.n_unit * options.d_unit;
  for (const SurfacePoint& point : points) most = std::max(most, units * point.n * point.d);
  if (target > kFarthest * most && !options.is_forced) {
    throw Error("target beyond ten times the largest compute",
                {.where = "--target-compute, group " + row.group,
                 .expected = fmt::format("at most {:.4g}", kFarthest * most),
                 .got = fmt::format("{:.4g}", target),
                 .hint = "--force extrapolates all the same"});
  }
  row.target_compute = target;
  if (target > most) row.extrapolated_by = target / most;
  const double product = target / units;
  const double shrinkage = std::sqrt(replicate_share(points.size()));
  const auto estimate = [&](auto function) {
    return estimate_of(row.law, replicates, function, shrinkage);
  };
  row.optimal_n =
      estimate([&](const SurfaceLaw& law) { return law.optimal_n(product) * options.n_unit; });
  row.optimal_d = estimate(
      [&](const SurfaceLaw& law) { return product / law.optimal_n(product) * options.d_unit; });
  row.predicted_loss = estimate([&](const SurfaceLaw& law) {
    const double n = law.optimal_n(product);
    return law.loss(n, product / n);
  });
}

SurfaceRow fit_surface_group(const PointGroup& group,
                             const FitScalingOptions& options,
                             const Threads& threads) {
  SurfaceOptions surface;
  surface.huber_delta = options.huber_delta;
  if (options.objective == "squares") surface.objective = SurfaceObjective::raw_squares;
  std::vector<SurfacePoint> points = fitted_points(group, options);
  renumber(points);
  SurfaceRow row;
  row.group = group.name;
  row.law = fit_surface(points, surface);
  for (const SurfacePoint& point : points) {
    row.n_runs = std::max(row.n_runs, static_cast<Count>(point.cluster) + 1);
  }
  if (options.objective == "huber") row.huber_delta = options.huber_delta;
  if (!row.law.is_usable()) return row;
  const std::vector<SurfaceLaw> replicates =
      bootstrap_surface(points,
                        row.law,
                        surface,
                        options.replicates,
                        static_cast<std::uint64_t>(options.seed),
                        threads);
  const double shrinkage = std::sqrt(replicate_share(points.size()));
  const auto estimate = [&](auto function) {
    return estimate_of(row.law, replicates, function, shrinkage);
  };
  row.irreducible_loss = estimate([](const SurfaceLaw& law) { return law.irreducible_loss; });
  row.a = estimate([](const SurfaceLaw& law) { return law.a; });
  row.alpha = estimate([](const SurfaceLaw& law) { return law.alpha; });
  row.b = estimate([](const SurfaceLaw& law) { return law.b; });
  row.beta = estimate([](const SurfaceLaw& law) { return law.beta; });
  row.optimal_n_exponent = estimate([](const SurfaceLaw& law) { return law.optimal_n_exponent(); });
  for (const PointRow& held_out : group.rows) {
    if (!held_out.is_held_out) continue;
    const double predicted =
        row.law.loss(held_out.values[0] / options.n_unit, held_out.values[1] / options.d_unit);
    row.held_out_error += std::abs(predicted / held_out.values[2] - 1);
    ++row.n_held_out;
  }
  if (row.n_held_out > 0) row.held_out_error /= static_cast<double>(row.n_held_out);
  if (options.target_compute > 0) add_optimum(row, replicates, points, options);
  return row;
}

/// Logarithms of rows.
struct LogPoints {
  std::vector<double> x, y;
};

LogPoints in_logs(const std::vector<const PointRow*>& rows) {
  LogPoints points;
  for (const PointRow* row : rows) {
    points.x.push_back(std::log(row->values[0]));
    points.y.push_back(std::log(row->values[1]));
  }
  return points;
}

bool has_line(const std::vector<double>& x) {
  if (x.size() < 2) return false;
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  return *high > *low;
}

/// What a straight line needs to know of a run, about the means of all points: a replicate then
/// costs O(runs), however many rows they have.
struct RunSums {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;

  void add(const RunSums& other) {
    n += other.n;
    x += other.x;
    y += other.y;
    xx += other.xx;
    xy += other.xy;
  }
};

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::vector<LineFit> bootstrap_line(const std::vector<const PointRow*>& rows,
                                    const LogPoints& points,
                                    Count n_runs,
                                    const FitScalingOptions& options,
                                    const Threads& threads) {
  const double mean_x = mean_of(points.x), mean_y = mean_of(points.y);
  std::vector<RunSums> runs(static_cast<std::size_t>(n_runs));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double x = points.x[i] - mean_x, y = points.y[i] - mean_y;
    runs[static_cast<std::size_t>(rows[i]->run)].add({1, x, y, x * x, x * y});
  }
  std::erase_if(runs, [](const RunSums& run) { return run.n == 0; });
  const double share = replicate_share(runs.size());
  const auto n_drawn =
      static_cast<std::size_t>(std::ceil(share * static_cast<double>(runs.size())));
  std::vector<LineFit> replicates(static_cast<std::size_t>(options.replicates));
  threads.for_each(options.replicates, [&](Index i) {
    const RandomStream random(static_cast<std::uint64_t>(options.seed),
                              StreamId::bootstrap,
                              static_cast<std::uint32_t>(i));
    RunSums sum;
    for (std::size_t k = 0; k < n_drawn; ++k) {
      const double place = random.uniform(k) * static_cast<double>(runs.size());
      sum.add(runs[static_cast<std::size_t>(place)]);
    }
    const double sxx = sum.xx - sum.x * sum.x / sum.n;
    const double sxy = sum.xy - sum.x * sum.y / sum.n;
    if (!(sxx > 1e-12 * sum.xx)) return;  // all of one x
    LineFit& line = replicates[static_cast<std::size_t>(i)];
    line.n = static_cast<Index>(sum.n);
    line.slope = sxy / sxx;
    line.intercept = mean_y + sum.y / sum.n - line.slope * (mean_x + sum.x / sum.n);
  });
  std::erase_if(replicates, [](const LineFit& line) { return line.n == 0; });
  return replicates;
}

LineRow fit_line_group(const PointGroup& group,
                       const FitScalingOptions& options,
                       const Threads& threads) {
  std::vector<const PointRow*> used, held_out;
  std::vector<bool> is_used(static_cast<std::size_t>(group.n_runs), false);
  for (const PointRow& row : group.rows) {
    (row.is_held_out ? held_out : used).push_back(&row);
    if (!row.is_held_out) is_used[static_cast<std::size_t>(row.run)] = true;
  }
  LineRow row;
  row.group = group.name;
  row.n_runs = static_cast<Count>(std::count(is_used.begin(), is_used.end(), true));
  const LogPoints points = in_logs(used);
  if (!has_line(points.x)) return row;
  row.line = fit_line(points.x, points.y);
  const std::vector<LineFit> replicates =
      bootstrap_line(used, points, group.n_runs, options, threads);
  const double shrinkage = std::sqrt(replicate_share(static_cast<std::size_t>(row.n_runs)));
  const auto estimate = [&](auto function) {
    return estimate_of(row.line, replicates, function, shrinkage);
  };
  row.slope = estimate([](const LineFit& line) { return line.slope; });
  row.prefactor = estimate([](const LineFit& line) { return std::exp(line.intercept); });
  row.min_x = row.max_x = used.front()->values[0];
  double squares = 0;
  const auto line_at = [&row](double x) {
    return std::exp(row.line.intercept + row.line.slope * std::log(x));
  };
  for (const PointRow* point : used) {
    row.min_x = std::min(row.min_x, point->values[0]);
    row.max_x = std::max(row.max_x, point->values[0]);
    const double residual = std::log(point->values[1] / line_at(point->values[0]));
    squares += residual * residual;
  }
  row.rms_residual = std::sqrt(squares / static_cast<double>(used.size()));
  for (const PointRow* point : held_out) {
    row.held_out_error += std::abs(line_at(point->values[0]) / point->values[1] - 1);
  }
  row.n_held_out = static_cast<Count>(held_out.size());
  if (row.n_held_out > 0) row.held_out_error /= static_cast<double>(row.n_held_out);
  return row;
}

void warn_of_statuses(const std::vector<SurfaceRow>& rows) {
  for (const SurfaceRow& row : rows) {
    const std::string group = "group " + row.group + ": ";
    switch (row.law.status) {
      case FitStatus::too_few_points:
        log_warning(group + "too few points: a surface needs six, with three different N and D");
        break;
      case FitStatus::bound_hit:
        log_warning(group + "the irreducible loss ended at its bound, 0");
        break;
      case FitStatus::no_curvature:
        log_warning(group + "no curvature: without an irreducible loss the law fits as well");
        break;
      case FitStatus::restarts_disagree:
        log_warning(group + fmt::format("the two best starts disagree by {:.2g} of the objective",
                                        row.law.restart_gap));
        break;
      case FitStatus::max_iter:
        log_warning(group + "the optimiser did not converge");
        break;
      default:
        break;
    }
  }
}

}  // namespace

int fit_points(const FitScalingOptions& options) {
  const bool is_surface = options.law == "surface";
  Output output(options.output.path);
  const PointFile file = read_points(input_files(options.files), point_columns(options));
  for (const std::string& remark : file.remarks) log_warning(remark);
  const Threads threads(options.threads > 0 ? static_cast<int>(options.threads)
                                            : available_threads());
  TableWriter table(chosen_format(options.output),
                    column_names(is_surface ? surface_columns() : line_columns()),
                    output.sink());
  if (is_surface) {
    std::vector<SurfaceRow> rows;
    for (const PointGroup& group : file.groups) {
      rows.push_back(fit_surface_group(group, options, threads));
    }
    warn_of_statuses(rows);
    write_surface_rows(table, rows);
  } else {
    std::vector<LineRow> rows;
    for (const PointGroup& group : file.groups) {
      rows.push_back(fit_line_group(group, options, threads));
    }
    write_line_rows(table, rows);
  }
  table.finish();
  output.finish();
  return kDone;
}

}  // namespace einsearch
