#include "io/plot_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "io/log_ticks.h"

namespace einsearch {
namespace {

constexpr const char* kStyle =
    "text{font:13px system-ui,sans-serif;fill:#222}.name{font-size:12px}.small{font-size:11px}"
    ".title{font-size:16px;font-weight:600}"
    ".bg{fill:#fff}.axis{stroke:#444}.grid{stroke:#e4e4e4}.minor{stroke:#888}"
    ".run{fill:none;stroke-width:1}"
    ".law{fill:none;stroke-width:2}.again{stroke-dasharray:1 3;stroke-linecap:round}"
    ".beyond{stroke-dasharray:5 4}"
    ".band{fill-opacity:.13;stroke:none}"
    ".point{fill-opacity:.85;stroke:none}.usual{stroke:#888;stroke-dasharray:3 3}"
    "@media (prefers-color-scheme:dark){text{fill:#ddd}.bg{fill:#16181c}"
    ".axis{stroke:#bbb}.grid{stroke:#2d3138}.minor{stroke:#777}.run{stroke-width:1.3}}\n";

}  // namespace

void PlotRange::include(double value) {
  low = std::min(low, value);
  high = std::max(high, value);
}

void PlotRange::widen(double part) {
  const double factor = std::pow(std::max(high / low, 1.01), part);
  low /= factor;
  high *= factor;
}

double PlotFrame::place_x(double value) const {
  return left + (right - left) * std::log(value / x.low) / std::log(x.high / x.low);
}

double PlotFrame::place_y(double value) const {
  return bottom - (bottom - top) * std::log(value / y.low) / std::log(y.high / y.low);
}

Svg make_page(int width, int height, const std::string& title) {
  Svg svg(width, height, title);
  svg.style(kStyle);
  svg.element("rect", {{"class", "bg"}, {"width", "100%"}, {"height", "100%"}});
  return svg;
}

void draw_log_axes(Svg& svg, const PlotFrame& frame, int x_labels, int y_labels) {
  constexpr int kAnyNumber = 5;  // of ticks, where none is labelled
  const auto label = [&svg](SvgPoint at, const LogTick& tick, const char* anchor) {
    const Svg::Attributes attributes = {{"text-anchor", anchor}};
    tick.raised.empty() ? svg.text(at, tick.text, attributes)
                        : svg.power_text(at, tick.text, tick.raised, attributes);
  };
  for (const LogTick& tick :
       log_ticks(frame.x.low, frame.x.high, x_labels > 0 ? x_labels : kAnyNumber)) {
    const double x = frame.place_x(tick.value);
    if (tick.is_labelled) {
      svg.line({x, frame.top}, {x, frame.bottom}, {{"class", "grid"}});
      if (x_labels > 0) label({x, frame.bottom + 21}, tick, "middle");
    }
    const double length = tick.is_labelled ? 6 : 3;
    svg.line({x, frame.bottom}, {x, frame.bottom + length}, {{"class", "minor"}});
  }
  for (const LogTick& tick :
       log_ticks(frame.y.low, frame.y.high, y_labels > 0 ? y_labels : kAnyNumber)) {
    const double y = frame.place_y(tick.value);
    if (tick.is_labelled) {
      svg.line({frame.left, y}, {frame.right, y}, {{"class", "grid"}});
      if (y_labels > 0) label({frame.left - 10, y + 4.5}, tick, "end");
    }
    const double length = tick.is_labelled ? 6 : 3;
    svg.line({frame.left - length, y}, {frame.left, y}, {{"class", "minor"}});
  }
  svg.line({frame.left, frame.bottom}, {frame.right, frame.bottom}, {{"class", "axis"}});
  svg.line({frame.left, frame.top}, {frame.left, frame.bottom}, {{"class", "axis"}});
}

void draw_titles(Svg& svg,
                 const PlotFrame& frame,
                 double page_height,
                 const std::string& title,
                 const std::string& x_label,
                 const std::string& y_label) {
  svg.text({frame.left, 28}, title, {{"class", "title"}});
  svg.text(
      {(frame.left + frame.right) / 2, page_height - 16}, x_label, {{"text-anchor", "middle"}});
  const double middle = (frame.top + frame.bottom) / 2;
  const std::string turn = fmt::format("rotate(-90 18 {})", svg_number(middle));
  svg.text({18, middle}, y_label, {{"text-anchor", "middle"}, {"transform", turn}});
}

std::string fitting_name(const std::string& name, double most_widths) {
  double width = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool is_narrow = std::string_view("|.,:()").find(name[i]) != std::string::npos;
    width += is_narrow ? 0.55 : 1;
    if (width > most_widths) return name.substr(0, i > 0 ? i - 1 : 0) + "…";
  }
  return name;
}

}  // namespace einsearch
