// A small builder of SVG text: elements with escaped attributes and numbers of two decimals, so
// that equal pictures are equal bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace einsearch {

struct SvgPoint {
  double x = 0;
  double y = 0;
};

/// Text with &, <, > and quotes replaced; control characters, which XML forbids, become spaces.
std::string escape_xml(std::string_view text);

/// At most two decimals, without trailing zeros; -0 is 0.
std::string svg_number(double value);

class Svg {
 public:
  using Attributes = std::vector<std::pair<std::string_view, std::string>>;

  Svg(int width, int height, std::string_view description);

  /// Rules for classes; ends up in one <style>.
  void style(std::string_view css);
  void open_group(const Attributes& attributes);
  void close_group();
  void element(std::string_view name, const Attributes& attributes);
  void line(SvgPoint from, SvgPoint to, const Attributes& attributes);
  void polyline(std::span<const SvgPoint> points, const Attributes& attributes);
  void polygon(std::span<const SvgPoint> points, const Attributes& attributes);
  void circle(SvgPoint centre, double radius, const Attributes& attributes);
  void text(SvgPoint at, std::string_view content, const Attributes& attributes);
  /// Text whose `raised` part stands above the line: 10 and its power.
  void power_text(SvgPoint at,
                  std::string_view base,
                  std::string_view raised,
                  const Attributes& attributes);

  /// The whole document.
  std::string finish();

 private:
  void put_attributes(const Attributes& attributes);
  void put_points(std::string_view shape,
                  std::span<const SvgPoint> points,
                  const Attributes& attributes);

  std::string text_;
};

}  // namespace einsearch
