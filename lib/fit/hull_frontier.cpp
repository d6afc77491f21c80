#include "fit/hull_frontier.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include "fit/quicksort_order.h"

namespace einsearch {
namespace {

struct LogPoint {
  double x;  // ln compute
  double y;  // ln loss
  Index row;
};

constexpr Index kArtificial = -1;

std::vector<LogPoint> in_logs(const PointTable& table) {
  std::vector<LogPoint> points(table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    points[i] = {std::log(table.compute[i]), std::log(table.loss[i]), static_cast<Index>(i)};
  }
  return points;
}

/// Above 0: a -> b -> c turns left.
double turn(const LogPoint& a, const LogPoint& b, const LogPoint& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/// Lower chain of points sorted by x, from the first to the last.
template <typename Iterator>
std::vector<LogPoint> chain(Iterator first, Iterator last) {
  std::vector<LogPoint> stack;
  for (; first != last; ++first) {
    while (stack.size() > 1 && turn(stack[stack.size() - 2], stack.back(), *first) <= 0) {
      stack.pop_back();
    }
    stack.push_back(*first);
  }
  return stack;
}

bool by_x_then_y(const LogPoint& a, const LogPoint& b) {
  return std::tie(a.x, a.y, a.row) < std::tie(b.x, b.y, b.row);
}

/// Value at x of the broken line through `nodes` (sorted by x), flat beyond its ends.
double interpolate(const std::vector<LogPoint>& nodes, double x) {
  const auto right =
      std::upper_bound(nodes.begin(), nodes.end(), x, [](double value, const LogPoint& node) {
        return value < node.x;
      });
  if (right == nodes.begin()) return nodes.front().y;
  if (right == nodes.end()) return nodes.back().y;
  const LogPoint& left = *(right - 1);
  return left.y + (x - left.x) * (right->y - left.y) / (right->x - left.x);
}

}  // namespace

std::vector<Index> hull_vertices(const PointTable& table) {
  std::vector<LogPoint> points = in_logs(table);
  if (points.empty()) return {};
  LogPoint corner{points[0].x, points[0].y, kArtificial};
  for (const LogPoint& point : points) {
    corner.x = std::max(corner.x, point.x);
    corner.y = std::max(corner.y, point.y);
  }
  points.push_back({corner.x + 1, corner.y + 1, kArtificial});
  std::sort(points.begin(), points.end(), by_x_then_y);
  std::vector<LogPoint> vertices = chain(points.begin(), points.end());
  const std::vector<LogPoint> upper = chain(points.rbegin(), points.rend());
  vertices.insert(vertices.end(), upper.begin(), upper.end());
  std::sort(vertices.begin(), vertices.end(), by_x_then_y);
  std::vector<Index> rows;
  for (const LogPoint& vertex : vertices) {
    const bool is_new = rows.empty() || rows.back() != vertex.row;
    if (vertex.row != kArtificial && is_new) rows.push_back(vertex.row);
  }
  return rows;
}

std::vector<Index> hull_front(const PointTable& table, double tolerance) {
  const std::vector<LogPoint> points = in_logs(table);
  std::vector<Index> front = hull_vertices(table);
  std::vector<LogPoint> nodes;
  for (const Index row : front) nodes.push_back(points[static_cast<std::size_t>(row)]);
  const std::set<Index> vertices(front.begin(), front.end());
  for (const LogPoint& point : points) {
    const double excess = std::expm1(point.y - interpolate(nodes, point.x));
    if (excess < tolerance && !vertices.contains(point.row)) front.push_back(point.row);
  }
  return front;
}

std::vector<Index> improving(const PointTable& table, std::span<const Index> front) {
  const auto loss = [&table](Index row) { return table.loss[static_cast<std::size_t>(row)]; };
  std::vector<double> compute;
  for (const Index row : front) compute.push_back(table.compute[static_cast<std::size_t>(row)]);
  std::vector<Index> sorted;
  for (const Index place : quicksort_order(compute)) {
    sorted.push_back(front[static_cast<std::size_t>(place)]);
  }
  std::vector<Index> kept;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (loss(sorted[i]) < loss(sorted[i - 1])) kept.push_back(sorted[i]);
  }
  if (!front.empty()) kept.push_back(front.front());
  return kept;
}

LineFit fit_log_line(const PointTable& table, std::span<const Index> rows) {
  std::vector<double> x;
  std::vector<double> y;
  for (const Index row : rows) {
    x.push_back(std::log(table.compute[static_cast<std::size_t>(row)]));
    y.push_back(std::log(table.loss[static_cast<std::size_t>(row)]));
  }
  return fit_line(x, y);
}

std::size_t pruned_count(const PointTable& table, std::span<const Index> rows) {
  std::size_t kept = rows.size();
  double best = -1;
  while (kept > 3) {
    const double r_squared = fit_log_line(table, rows.first(kept - 1)).r_squared;
    if (r_squared <= best) break;
    best = r_squared;
    --kept;
  }
  return kept;
}

LineFit line_below(const PointTable& table) {
  std::vector<LogPoint> points = in_logs(table);
  std::sort(points.begin(), points.end(), by_x_then_y);
  double mean_x = 0;
  for (const LogPoint& point : points) mean_x += point.x / static_cast<double>(points.size());
  // From the last point on there is no upper left: of equal computes only the lowest counts.
  const auto same_x = [](const LogPoint& a, const LogPoint& b) { return a.x == b.x; };
  points.erase(std::unique(points.begin(), points.end(), same_x), points.end());
  const std::vector<LogPoint> lower = chain(points.begin(), points.end());
  LineFit line;
  line.n = static_cast<Index>(table.size());
  if (lower.size() < 2) return line;
  std::size_t right = 1;
  while (right + 1 < lower.size() && lower[right].x < mean_x) ++right;
  const LogPoint& a = lower[right - 1];
  const LogPoint& b = lower[right];
  line.slope = (b.y - a.y) / (b.x - a.x);
  line.intercept = a.y - line.slope * a.x;
  return line;
}

Frontier hull_frontier(const Runs& runs,
                       PointChoice choice,
                       const HullOptions& options,
                       double offset,
                       const Resample& resample) {
  const PointKind kind = kind_of_points(runs, choice);
  PointTable table;
  std::vector<FrontierPoint> candidates;
  std::set<Index> used;
  std::set<Count> widths;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto run = static_cast<Index>(i);
    if (resample.times_of(run) == 0 || !is_sound(*runs[i])) continue;
    const double factor = std::exp(resample.shift_of(run));
    for (const CurvePoint& point : runs[i]->points) {
      const double step = static_cast<double>(point.step);
      if (point.train_flops <= 0 || !is_of_kind(point, kind)) continue;
      if (step < options.min_step || step > options.max_step) continue;
      if (point.step % options.step_multiple != 0) continue;
      require_loss_above(offset, *runs[i], point);
      const double loss = point.loss * factor;
      if (!(loss > offset)) continue;  // only where a replicate shifts it there
      table.compute.push_back(point.train_flops);
      table.loss.push_back(loss - offset);
      candidates.push_back({point.train_flops, loss, run, runs[i]->width});
      used.insert(run);
      widths.insert(runs[i]->width);
    }
  }
  Frontier frontier;
  frontier.n_runs = static_cast<Count>(used.size());
  frontier.n_widths = static_cast<Count>(widths.size());
  for (const Index row : improving(table, hull_front(table, options.tolerance))) {
    const FrontierPoint& point = candidates[static_cast<std::size_t>(row)];
    if (point.compute < options.min_compute || point.compute > options.max_compute) continue;
    frontier.points.push_back(point);
  }
  return frontier;
}

}  // namespace einsearch
