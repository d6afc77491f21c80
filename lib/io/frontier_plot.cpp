#include "io/frontier_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "fit/frontier.h"
#include "fit/law_band.h"
#include "io/log_ticks.h"
#include "io/svg.h"

namespace einsearch {
namespace {

constexpr double kLeft = 72;
constexpr double kRight = 222;  // room for labels
constexpr double kTop = 48;
constexpr double kBottom = 60;
constexpr double kLabelGap = 16;     // least distance of labels, pixels
constexpr double kThinning = 0.6;    // faint curves: greatest error of dropping a point, pixels
constexpr double kFrontierStep = 7;  // frontier points nearer than this are drawn once, pixels
constexpr double kHeadroom = 0.04;   // part of the axis beyond the data
constexpr double kRunsAbove = 0.6;   // part of the frontiers' extent in which runs are shown beyond

/// After Okabe and Ito's palette, which colour-blind readers tell apart, without its black and
/// yellow, and further hues; each stands out on white and on near-black.
constexpr std::array kColours = {"#1a80bb",
                                 "#d55e00",
                                 "#009e73",
                                 "#cc79a7",
                                 "#8c6bb1",
                                 "#e69f00",
                                 "#56b4e9",
                                 "#7f7f7f",
                                 "#66a61e",
                                 "#b5651d",
                                 "#e7298a",
                                 "#1b9e9e"};

constexpr const char* kStyle =
    "text{font:13px system-ui,sans-serif;fill:#222}.name{font-size:12px}"
    ".title{font-size:16px;font-weight:600}"
    ".bg{fill:#fff}.axis{stroke:#444}.grid{stroke:#e4e4e4}.minor{stroke:#888}"
    ".run{fill:none;stroke-opacity:.28;stroke-width:1}"
    ".law{fill:none;stroke-width:2}.beyond{stroke-dasharray:5 4}"
    ".band{fill-opacity:.13;stroke:none}"
    ".point{fill-opacity:.85;stroke:none}"
    "@media (prefers-color-scheme:dark){text{fill:#ddd}.bg{fill:#16181c}"
    ".axis{stroke:#bbb}.grid{stroke:#2d3138}.minor{stroke:#777}.run{stroke-opacity:.42}}\n";

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool contains(double value) const { return value >= low && value <= high; }
};

/// Where data lands on the page.
struct Frame {
  Range x = {};
  Range y = {};
  double width = 0;
  double height = 0;

  double right() const { return width - kRight; }
  double bottom() const { return height - kBottom; }
  double place_x(double value) const {
    return kLeft + (right() - kLeft) * std::log(value / x.low) / std::log(x.high / x.low);
  }
  double place_y(double value) const {
    return bottom() - (bottom() - kTop) * std::log(value / y.low) / std::log(y.high / y.low);
  }
  SvgPoint place(double compute, double loss) const { return {place_x(compute), place_y(loss)}; }
};

void widen(Range& range, double part) {
  const double factor = std::pow(std::max(range.high / range.low, 1.01), part);
  range.low /= factor;
  range.high *= factor;
}

bool is_drawable(const CurvePoint& point) {
  return point.train_flops > 0 && point.loss > 0 && std::isfinite(point.loss);
}

/// What lies near the frontiers, and the runs to the right of them: the first steps, far above and
/// far to the left, would take most of the page.
Frame make_frame(const Ranking& ranking,
                 std::span<const Curve> curves,
                 const PlotOptions& options) {
  Frame frame{.width = static_cast<double>(options.width),
              .height = static_cast<double>(options.height)};
  for (const RankedStructure& row : ranking.rows) {
    for (const FrontierPoint& point : row.frontier.points) {
      frame.x.include(point.compute);
      frame.y.include(point.loss);
    }
    if (!row.law.is_usable()) continue;
    frame.y.include(row.law.loss(row.law.min_compute));
    frame.y.include(row.law.loss(row.law.max_compute));
    if (ranking.target_compute > row.law.max_compute) {
      frame.x.include(ranking.target_compute);
      frame.y.include(row.law.loss(ranking.target_compute));
    }
  }
  const Range frontier_x = frame.x;
  const Range frontier_y = frame.y;
  const double highest = frontier_y.high * std::pow(frontier_y.high / frontier_y.low, kRunsAbove);
  const double least = frontier_x.low / std::pow(frontier_x.high / frontier_x.low, kRunsAbove);
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve.points) {
      if (!is_drawable(point) || point.loss > highest || point.train_flops < least) continue;
      frame.x.include(point.train_flops);
      frame.y.include(point.loss);
    }
  }
  widen(frame.x, kHeadroom);
  widen(frame.y, kHeadroom);
  return frame;
}

void draw_axes(Svg& svg, const Frame& frame, const PlotOptions& options) {
  const auto label = [&svg](SvgPoint at, const LogTick& tick, const char* anchor) {
    const Svg::Attributes attributes = {{"text-anchor", anchor}};
    tick.raised.empty() ? svg.text(at, tick.text, attributes)
                        : svg.power_text(at, tick.text, tick.raised, attributes);
  };
  for (const LogTick& tick : log_ticks(frame.x.low, frame.x.high, 9)) {
    const double x = frame.place_x(tick.value);
    if (tick.is_labelled) {
      svg.line({x, kTop}, {x, frame.bottom()}, {{"class", "grid"}});
      label({x, frame.bottom() + 21}, tick, "middle");
    }
    const double length = tick.is_labelled ? 6 : 3;
    svg.line({x, frame.bottom()}, {x, frame.bottom() + length}, {{"class", "minor"}});
  }
  for (const LogTick& tick : log_ticks(frame.y.low, frame.y.high, 8)) {
    const double y = frame.place_y(tick.value);
    if (tick.is_labelled) {
      svg.line({kLeft, y}, {frame.right(), y}, {{"class", "grid"}});
      label({kLeft - 10, y + 4.5}, tick, "end");
    }
    const double length = tick.is_labelled ? 6 : 3;
    svg.line({kLeft - length, y}, {kLeft, y}, {{"class", "minor"}});
  }
  svg.line({kLeft, frame.bottom()}, {frame.right(), frame.bottom()}, {{"class", "axis"}});
  svg.line({kLeft, kTop}, {kLeft, frame.bottom()}, {{"class", "axis"}});
  svg.text({kLeft, 28}, options.title, {{"class", "title"}});
  svg.text({(kLeft + frame.right()) / 2, frame.height - 16},
           options.x_label,
           {{"text-anchor", "middle"}});
  const std::string turn =
      fmt::format("rotate(-90 18 {})", svg_number((kTop + frame.bottom()) / 2));
  svg.text({18, (kTop + frame.bottom()) / 2},
           options.y_label,
           {{"text-anchor", "middle"}, {"transform", turn}});
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
std::vector<SvgPoint> place_run(const Curve& curve, const Frame& frame) {
  std::vector<SvgPoint> points;
  for (const CurvePoint& point : curve.points) {
    if (!is_drawable(point) || !frame.x.contains(point.train_flops)) continue;
    if (!frame.y.contains(point.loss)) continue;
    const SvgPoint place = frame.place(point.train_flops, point.loss);
    if (points.empty() || place.x - points.back().x >= 0.5) points.push_back(place);
  }
  return points;
}

void draw_runs(Svg& svg,
               const RankedStructure& row,
               std::span<const Curve> curves,
               const Frame& frame) {
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
void draw_band(Svg& svg, const Ranking& ranking, const RankedStructure& row, const Frame& frame) {
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

/// The law over its fitted range, and to the target, dashed; returns its right end.
std::optional<SvgPoint> draw_law(Svg& svg,
                                 const Ranking& ranking,
                                 const RankedStructure& row,
                                 const Frame& frame) {
  if (!row.law.is_usable()) return std::nullopt;
  constexpr int kSegments = 40;
  // Without an offset the law is a straight line on this page.
  const int segments = row.law.offset == 0 ? 1 : kSegments;
  std::vector<SvgPoint> points;
  for (int i = 0; i <= segments; ++i) {
    const double compute = row.law.min_compute * std::pow(row.law.max_compute / row.law.min_compute,
                                                          static_cast<double>(i) / segments);
    points.push_back(frame.place(compute, row.law.loss(compute)));
  }
  svg.polyline(points, {{"class", "law"}});
  if (!(ranking.target_compute > row.law.max_compute * (1 + 1e-9))) return points.back();
  std::vector<SvgPoint> beyond = {points.back()};
  for (int i = 1; i <= segments; ++i) {
    const double compute =
        row.law.max_compute *
        std::pow(ranking.target_compute / row.law.max_compute, static_cast<double>(i) / segments);
    beyond.push_back(frame.place(compute, row.law.loss(compute)));
  }
  svg.polyline(beyond, {{"class", "law beyond"}});
  return beyond.back();
}

void draw_points(Svg& svg, const RankedStructure& row, const Frame& frame) {
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

struct Label {
  std::string text;
  double loss;      // at the target compute: labels stand in the order of the ranking there
  SvgPoint anchor;  // what it names
  double y;
  const char* colour;
};

/// Moves labels apart vertically, as little as a pass down and a pass up can, inside the page.
void spread(std::vector<Label>& labels, double top, double bottom) {
  std::stable_sort(
      labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.loss > b.loss; });
  const double gap =
      std::min(kLabelGap, (bottom - top) / std::max<double>(1, static_cast<double>(labels.size())));
  double least = top;
  for (Label& label : labels) {
    label.y = std::max(label.anchor.y, least);
    least = label.y + gap;
  }
  double most = bottom;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->y = std::min(label->y, most);
    most = label->y - gap;
  }
}

void draw_labels(Svg& svg, std::vector<Label> labels, const Frame& frame) {
  spread(labels, kTop + 4, frame.bottom());
  for (const Label& label : labels) {
    const double x = frame.right() + 22;
    svg.line({label.anchor.x + 4, label.anchor.y},
             {x - 4, label.y},
             {{"stroke", label.colour}, {"stroke-opacity", ".45"}});
    svg.text({x, label.y + 4.5},
             label.text,
             {{"class", "name"}, {"style", fmt::format("fill:{}", label.colour)}});
  }
}

/// Names are cut to what fits beside the axes; the bars and points of theta are half as wide as
/// other characters.
std::string label_text(const RankedStructure& row) {
  constexpr double kMostWidths = 25;
  double width = 0;
  for (std::size_t i = 0; i < row.structure.size(); ++i) {
    const bool is_narrow = std::string_view("|.,:()").find(row.structure[i]) != std::string::npos;
    width += is_narrow ? 0.55 : 1;
    if (width > kMostWidths) return row.structure.substr(0, i > 0 ? i - 1 : 0) + "…";
  }
  return row.structure;
}

}  // namespace

std::string frontier_svg(const Ranking& ranking,
                         std::span<const Curve> curves,
                         const PlotOptions& options) {
  Svg svg(options.width, options.height, options.title);
  svg.style(kStyle);
  svg.element("rect", {{"class", "bg"}, {"width", "100%"}, {"height", "100%"}});
  const Frame frame = make_frame(ranking, curves, options);
  draw_axes(svg, frame, options);
  const auto colour_of = [](std::size_t i) { return kColours[i % kColours.size()]; };
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    svg.open_group({{"stroke", colour_of(i)}});
    draw_runs(svg, ranking.rows[i], curves, frame);
    svg.close_group();
  }
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    svg.open_group({{"fill", colour_of(i)}});
    draw_band(svg, ranking, ranking.rows[i], frame);
    svg.close_group();
  }
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    svg.open_group({{"fill", colour_of(i)}});
    draw_points(svg, ranking.rows[i], frame);
    svg.close_group();
  }
  std::vector<Label> labels;
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    const RankedStructure& row = ranking.rows[i];
    svg.open_group({{"stroke", colour_of(i)}});
    const auto end = draw_law(svg, ranking, row, frame);
    svg.close_group();
    if (end) {
      labels.push_back({label_text(row), row.predicted_loss.value, *end, end->y, colour_of(i)});
    }
  }
  draw_labels(svg, std::move(labels), frame);
  return svg.finish();
}

}  // namespace einsearch
