#include "io/rates_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "io/plot_page.h"

namespace einsearch {
namespace {

constexpr double kLeft = 72, kRight = 24, kTop = 76, kBottom = 64;
constexpr double kPanelWidth = 150, kPanelHeight = 128;
constexpr double kGap = 14, kNameHeight = 22;  // between panels; of the name above each

using FansByStructure = std::map<std::string, std::vector<const SettingFan*>>;

struct Page {
  std::size_t columns, rows;

  explicit Page(std::size_t panels)
      : columns(std::clamp<std::size_t>(
            static_cast<std::size_t>(std::ceil(std::sqrt(1.3 * static_cast<double>(panels)))),
            std::min<std::size_t>(panels, 3),
            6)),
        rows((panels + columns - 1) / columns) {}

  double right() const {
    const auto n = static_cast<double>(columns);
    return kLeft + n * kPanelWidth + (n - 1) * kGap;
  }
  double bottom() const {
    return kTop + static_cast<double>(rows) * (kPanelHeight + kGap + kNameHeight) - kGap;
  }
};

/// The axes that all panels have.
PlotFrame common_axes(const TuningReport& report) {
  PlotFrame frame;
  for (const SettingFan& fan : report.rate_fans) {
    for (std::size_t i = 0; i < fan.value.size(); ++i) {
      frame.x.include(fan.value[i]);
      if (std::isfinite(fan.log_loss[i])) frame.y.include(std::exp(fan.log_loss[i]));
    }
  }
  frame.x.widen(0.08);
  frame.y.widen(0.06);
  return frame;
}

void draw_fan(Svg& svg,
              const SettingFan& fan,
              const FanNoise& noise,
              const PlotFrame& frame,
              const char* colour) {
  std::vector<SvgPoint> points;
  svg.open_group({{"stroke", colour}, {"fill", colour}});
  for (std::size_t i = 0; i < fan.value.size(); ++i) {
    if (!std::isfinite(fan.log_loss[i])) continue;
    points.push_back(frame.place(fan.value[i], std::exp(fan.log_loss[i])));
    svg.circle(points.back(), 2.2, {{"class", "point"}});
  }
  if (points.size() > 1) svg.polyline(points, {{"class", "law"}, {"stroke-opacity", ".75"}});
  const BestSetting best = best_setting(fan, noise);
  const auto usual = static_cast<std::size_t>(
      std::find(fan.value.begin(), fan.value.end(), fan.reference) - fan.value.begin());
  if (best.is_inside && std::isfinite(fan.log_loss[usual])) {
    const SvgPoint at = frame.place(fan.reference * std::exp(best.log_value.value),
                                    std::exp(fan.log_loss[usual] - best.gain.value));
    svg.circle(at, 4.5, {{"fill", "none"}, {"stroke-width", "1.5"}});
  }
  svg.close_group();
}

/// Which colour is which width, above the panels; dense's widths and the widths that cost the same
/// have one place in the order of widths.
void draw_key(Svg& svg, std::size_t places, const FansByStructure& fans) {
  double x = kLeft;
  const auto dense = fans.find("dense");
  const bool has_dense = dense != fans.end() && dense->second.size() == places;
  for (std::size_t place = 0; place < places; ++place) {
    svg.line({x, 50}, {x + 18, 50}, {{"stroke", plot_colour(place)}, {"stroke-width", "2"}});
    const std::string text = has_dense
                                 ? fmt::format("dense's width {}", dense->second[place]->width)
                                 : fmt::format("width {} of {}", place + 1, places);
    svg.text({x + 24, 54.5}, text, {{"class", "name"}});
    x += 44 + 7.2 * static_cast<double>(text.size());
  }
  svg.circle({x + 6, 50}, 4.5, {{"fill", "none"}, {"stroke", "#888"}, {"stroke-width", "1.5"}});
  svg.text({x + 18, 54.5}, "best, by a parabola", {{"class", "name"}});
  svg.line({x + 158, 50}, {x + 176, 50}, {{"class", "usual"}});
  svg.text({x + 182, 54.5}, "usual rate", {{"class", "name"}});
}

}  // namespace

std::string rates_svg(const TuningReport& report, const std::string& title) {
  FansByStructure fans;
  std::size_t places = 0;
  for (const SettingFan& fan : report.rate_fans) {
    std::vector<const SettingFan*>& of_structure = fans[fan.structure];
    of_structure.push_back(&fan);
    places = std::max(places, of_structure.size());
  }
  if (fans.empty()) {
    throw Error("nothing to draw",
                {.expected = "runs that differ in learning rate alone",
                 .got = "none",
                 .hint = "einsearch sweep ... --lr-factors 0.5,1,2"});
  }
  const Page page(fans.size());
  const double height = page.bottom() + kBottom;
  constexpr double kLeastWidth = 620;
  Svg svg = make_page(static_cast<int>(std::max(page.right() + kRight, kLeastWidth)),
                      static_cast<int>(height),
                      title);
  draw_key(svg, places, fans);
  std::size_t panel = 0;
  for (const StructureTuning& row : report.rows) {
    const auto found = fans.find(row.structure);
    if (found == fans.end()) continue;
    const std::size_t column = panel % page.columns, line = panel / page.columns;
    PlotFrame frame = common_axes(report);
    frame.left = kLeft + static_cast<double>(column) * (kPanelWidth + kGap);
    frame.top =
        kTop + kNameHeight + static_cast<double>(line) * (kPanelHeight + kGap + kNameHeight);
    frame.right = frame.left + kPanelWidth;
    frame.bottom = frame.top + kPanelHeight;
    const bool is_lowest = panel + page.columns >= fans.size();
    draw_log_axes(svg, frame, is_lowest ? 3 : 0, column == 0 ? 4 : 0);
    svg.text({frame.left, frame.top - 6},
             fitting_name(row.structure, 13) +
                 (row.tuning == Verdict::not_run ? "" : fmt::format(": {}", to_string(row.tuning))),
             {{"class", "name"}});
    if (frame.x.contains(row.rate)) {
      const double x = frame.place_x(row.rate);
      svg.line({x, frame.top}, {x, frame.bottom}, {{"class", "usual"}});
    }
    for (std::size_t i = 0; i < found->second.size(); ++i)
      draw_fan(svg, *found->second[i], report.noise, frame, plot_colour(i));
    ++panel;
  }
  const PlotFrame whole{.left = kLeft, .top = kTop, .right = page.right(), .bottom = page.bottom()};
  draw_titles(svg, whole, height, title, "learning rate", "final held-out loss");
  return svg.finish();
}

}  // namespace einsearch
