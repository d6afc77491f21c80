#include "io/frontier_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fit/frontier.h"
#include "fit/law_band.h"
#include "io/plot_frame.h"
#include "io/plot_page.h"

namespace einsearch {
namespace {

constexpr double kLeft = 72;
constexpr double kRight = 222;  // room for labels
constexpr double kTop = 48;
constexpr double kBottom = 60;
constexpr double kThinning = 0.6;    // faint curves: greatest error of dropping a point, pixels
constexpr double kFrontierStep = 7;  // frontier points nearer than this are drawn once, pixels

/// Where data lands on a page of this size.
PlotFrame make_frame(const Ranking& ranking,
                     std::span<const Curve> curves,
                     const PlotOptions& options) {
  PlotFrame frame = frame_data(ranking, curves);
  frame.left = kLeft;
  frame.right = options.width - kRight;
  frame.top = kTop;
  frame.bottom = options.height - kBottom;
  return frame;
}

/// Distance of p from the line through a and b.
double distance(SvgPoint p, SvgPoint a, SvgPoint b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double length = std::hypot(dx, dy);
  if (length == 0) return std::hypot(p.x - a.x, p.y - a.y);
  return std::abs(dx * (p.y - a.y) - dy * (p.x - a.x)) / length;
}

/// Fewest points, greedily, that stay within kThinning pixels (Ramer-Douglas-Peucker).
void thin(std::span<const SvgPoint> points, std::vector<SvgPoint>& kept) {
  std::vector<std::pair<std::size_t, std::size_t>> waiting = {{0, points.size() - 1}};
  std::vector<bool> is_kept(points.size(), false);
  is_kept.front() = is_kept.back() = true;
  while (!waiting.empty()) {
    const auto [first, last] = waiting.back();
    waiting.pop_back();
    std::size_t farthest = first;
    double most = kThinning;
    for (std::size_t i = first + 1; i < last; ++i) {
      const double away = distance(points[i], points[first], points[last]);
      if (away > most) {
        most = away;
        farthest = i;
      }
    }
    if (farthest == first) continue;
    is_kept[farthest] = true;
    waiting.emplace_back(first, farthest);
    waiting.emplace_back(farthest, last);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (is_kept[i]) kept.push_back(points[i]);
  }
}

/// At most one point per pixel column: what a million rows come down to before thinning.
std::vector<SvgPoint> place_run(const Curve& curve, const PlotFrame& frame) {
  std::vector<SvgPoint> points;
  for (const CurvePoint& point : curve.points) {
    if (!is_drawable(point) || !frame.x.contains(point.train_flops)) continue;
    if (!frame.y.contains(point.loss)) continue;
    const SvgPoint place = frame.place(point.train_flops, point.loss);
    if (points.empty() || place.x - points.back().x >= 0.5) points.push_back(place);
  }
  return points;
}

/// Many runs are fainter than few, so that what they lie under stays in sight.
double run_opacity(std::size_t n_runs) {
  constexpr double kFew = 60;
  return std::clamp(
      0.3 * std::sqrt(kFew / static_cast<double>(std::max<std::size_t>(n_runs, 1))), 0.1, 0.3);
}

void draw_runs(Svg& svg,
               const RankedStructure& row,
               std::span<const Curve> curves,
               const PlotFrame& frame) {
  for (const Curve& curve : curves) {
    if (curve.structure != row.structure) continue;
    const std::vector<SvgPoint> points = place_run(curve, frame);
    if (points.size() < 2) continue;
    std::vector<SvgPoint> kept;
    thin(points, kept);
    svg.polyline(kept, {{"class", "run"}});
  }
}

/// The 95 % interval of the law, as far as the page reaches.
void draw_band(Svg& svg,
               const Ranking& ranking,
               const RankedStructure& row,
               const PlotFrame& frame) {
  constexpr int kBandPoints = 25;
  const std::vector<BandPoint> band = law_band(ranking, row, kBandPoints);
  const auto place = [&frame](double compute, double loss) {
    return frame.place(compute, std::clamp(loss, frame.y.low, frame.y.high));
  };
  std::vector<SvgPoint> outline;
  for (const BandPoint& point : band) {
    if (std::isfinite(point.low)) outline.push_back(place(point.compute, point.low));
  }
  for (auto point = band.rbegin(); point != band.rend(); ++point) {
    if (std::isfinite(point->high)) outline.push_back(place(point->compute, point->high));
  }
  if (outline.size() > 3) svg.polygon(outline, {{"class", "band"}});
}

/// The law over its fitted range, and to the target, dashed.
void draw_law(Svg& svg,
              const Ranking& ranking,
              const RankedStructure& row,
              const PlotFrame& frame,
              const char* line) {
  if (!row.law.is_usable()) return;
  constexpr int kSegments = 40;
  const auto points_between = [&](double first, double last, int segments) {
    std::vector<SvgPoint> points;
    for (int i = 0; i <= segments; ++i) {
      const double compute = first * std::pow(last / first, static_cast<double>(i) / segments);
      points.push_back(frame.place(compute, row.law.loss(compute)));
    }
    return points;
  };
  // Without an offset the law is a straight line on this page.
  const int segments = row.law.offset == 0 ? 1 : kSegments;
  const double end = row.law.max_compute;
  svg.polyline(points_between(row.law.min_compute, end, segments), {{"class", line}});
  if (!(ranking.target_compute > end * (1 + 1e-9))) return;
  svg.polyline(points_between(end, ranking.target_compute, kSegments), {{"class", "law beyond"}});
}

void draw_points(Svg& svg, const RankedStructure& row, const PlotFrame& frame) {
  std::vector<SvgPoint> drawn;
  for (const FrontierPoint& point : row.frontier.points) {
    const SvgPoint place = frame.place(point.compute, point.loss);
    const bool is_near = std::any_of(drawn.begin(), drawn.end(), [place](SvgPoint other) {
      return std::hypot(place.x - other.x, place.y - other.y) < kFrontierStep;
    });
    if (is_near) continue;
    drawn.push_back(place);
    svg.circle(place, 2.4, {{"class", "point"}});
  }
}

void draw_labels(Svg& svg, const std::vector<PlotLabel>& labels, const PlotFrame& frame) {
  for (const PlotLabel& label : labels) {
    const double x = frame.right + 22;
    svg.line({label.anchor.x + 4, label.anchor.y},
             {x - 4, label.y},
             {{"stroke", plot_colour(label.place)}, {"stroke-opacity", ".45"}});
    svg.text({x, label.y + 4.5},
             label.text,
             {{"class", "name"}, {"style", fmt::format("fill:{}", plot_colour(label.place))}});
  }
}

}  // namespace

std::string frontier_svg(const Ranking& ranking,
                         std::span<const Curve> curves,
                         const PlotOptions& options) {
  Svg svg = make_page(options.width, options.height, options.title);
  const PlotFrame frame = make_frame(ranking, curves, options);
  draw_log_axes(svg, frame, 9, 8);
  draw_titles(svg, frame, options.height, options.title, options.x_label, options.y_label);
  const std::string faintness = svg_number(run_opacity(curves.size()));
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    svg.open_group({{"stroke", plot_colour(i)}, {"stroke-opacity", faintness}});
    draw_runs(svg, ranking.rows[i], curves, frame);
    svg.close_group();
  }
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    svg.open_group({{"fill", plot_colour(i)}});
    draw_band(svg, ranking, ranking.rows[i], frame);
    svg.close_group();
  }
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    svg.open_group({{"fill", plot_colour(i)}});
    draw_points(svg, ranking.rows[i], frame);
    svg.close_group();
  }
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    svg.open_group({{"stroke", plot_colour(i)}});
    // Colours come again: those laws are dotted.
    draw_law(svg, ranking, ranking.rows[i], frame, i < kPlotColours.size() ? "law" : "law again");
    svg.close_group();
  }
  draw_labels(svg, plot_labels(ranking, frame), frame);
  return svg.finish();
}

}  // namespace einsearch
