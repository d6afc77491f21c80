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
constexpr double kHighest = 1.5;  // end of the axis over the largest usual loss: what is above it
                                  // stands at the edge
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
      frame.x.include(fan.value[i] / fan.reference);
      const double loss = std::exp(fan.log_loss[i]);
      frame.y.low = std::min(frame.y.low, loss);
      if (fan.value[i] == fan.reference && std::isfinite(loss)) frame.y.include(kHighest * loss);
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
    points.push_back(frame.place(fan.value[i] / fan.reference,
                                 std::min(std::exp(fan.log_loss[i]), frame.y.high)));
    svg.circle(points.back(), 2.2, {{"class", "point"}});
  }
  if (points.size() > 1) svg.polyline(points, {{"class", "law"}, {"stroke-opacity", ".75"}});
  const BestSetting best = best_setting(fan, noise);
  const auto usual = static_cast<std::size_t>(
      std::find(fan.value.begin(), fan.value.end(), fan.reference) - fan.value.begin());
  if (best.is_inside && std::isfinite(fan.log_loss[usual])) {
    const SvgPoint at = frame.place(std::exp(best.log_value.value),
                                    std::exp(fan.log_loss[usual] - best.gain.value));
    svg.circle(at, 4.5, {{"fill", "none"}, {"stroke-width", "1.5"}});
  }
  svg.close_group();
}

/// What the colours mean: dense's widths, and the widths of other structures in the same order.
std::vector<std::string> key_texts(std::size_t places, const FansByStructure& fans) {
  const auto dense = fans.find("dense");
  const bool has_dense = dense != fans.end() && dense->second.size() == places;
  std::vector<std::string> texts;
  for (std::size_t place = 0; place < places; ++place) {
    texts.push_back(has_dense ? fmt::format("dense's width {}", dense->second[place]->width)
                              : fmt::format("width {} of {}", place + 1, places));
  }
  return texts;
}

double key_width(const std::string& text) { return 44 + 7.2 * static_cast<double>(text.size()); }

void draw_key(Svg& svg, const std::vector<std::string>& texts) {
  double x = kLeft;
  for (std::size_t place = 0; place < texts.size(); ++place) {
    svg.line({x, 50}, {x + 18, 50}, {{"stroke", plot_colour(place)}, {"stroke-width", "2"}});
    svg.text({x + 24, 54.5}, texts[place], {{"class", "name"}});
    x += key_width(texts[place]);
  }
  svg.circle({x + 6, 50}, 4.5, {{"fill", "none"}, {"stroke", "#888"}, {"stroke-width", "1.5"}});
  svg.text({x + 18, 54.5}, "best, by a parabola", {{"class", "name"}});
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
  const std::vector<std::string> key = key_texts(places, fans);
  double key_right = kLeft + 150;  // of the last entry, which is no width
  for (const std::string& text : key) key_right += key_width(text);
  Svg svg = make_page(static_cast<int>(std::max(page.right(), key_right) + kRight),
                      static_cast<int>(height),
                      title);
  draw_key(svg, key);
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
    svg.line({frame.place_x(1), frame.top}, {frame.place_x(1), frame.bottom}, {{"class", "usual"}});
    for (std::size_t i = 0; i < found->second.size(); ++i)
      draw_fan(svg, *found->second[i], report.noise.at(row.structure), frame, plot_colour(i));
    ++panel;
  }
  const PlotFrame whole{.left = kLeft, .top = kTop, .right = page.right(), .bottom = page.bottom()};
  draw_titles(svg, whole, height, title, "learning rate over the usual one", "final held-out loss");
  return svg.finish();
}

}  // namespace einsearch
