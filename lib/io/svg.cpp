#include "io/svg.h"

#include <fmt/format.h>

#include <cmath>

namespace einsearch {

std::string escape_xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string svg_number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

Svg::Svg(int width, int height, std::string_view description) {
  text_ = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\">\n<title>{2}</title>\n",
      width,
      height,
      escape_xml(description));
}

void Svg::style(std::string_view css) { text_ += fmt::format("<style>\n{}</style>\n", css); }

void Svg::put_attributes(const Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    text_ += fmt::format(" {}=\"{}\"", name, escape_xml(value));
  }
}

void Svg::open_group(const Attributes& attributes) {
  text_ += "<g";
  put_attributes(attributes);
  text_ += ">\n";
}

void Svg::close_group() { text_ += "</g>\n"; }

void Svg::element(std::string_view name, const Attributes& attributes) {
  text_ += fmt::format("<{}", name);
  put_attributes(attributes);
  text_ += "/>\n";
}

void Svg::line(SvgPoint from, SvgPoint to, const Attributes& attributes) {
  text_ += fmt::format("<path d=\"M{},{}L{},{}\"",
                       svg_number(from.x),
                       svg_number(from.y),
                       svg_number(to.x),
                       svg_number(to.y));
  put_attributes(attributes);
  text_ += "/>\n";
}

void Svg::put_points(std::string_view shape,
                     std::span<const SvgPoint> points,
                     const Attributes& attributes) {
  text_ += '<';
  text_ += shape;
  text_ += " points=\"";
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0) text_ += ' ';
    text_ += svg_number(points[i].x) + "," + svg_number(points[i].y);
  }
  text_ += '"';
  put_attributes(attributes);
  text_ += "/>\n";
}

void Svg::polyline(std::span<const SvgPoint> points, const Attributes& attributes) {
  put_points("polyline", points, attributes);
}

void Svg::polygon(std::span<const SvgPoint> points, const Attributes& attributes) {
  put_points("polygon", points, attributes);
}

void Svg::circle(SvgPoint centre, double radius, const Attributes& attributes) {
  text_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"",
                       svg_number(centre.x),
                       svg_number(centre.y),
                       svg_number(radius));
  put_attributes(attributes);
  text_ += "/>\n";
}

void Svg::text(SvgPoint at, std::string_view content, const Attributes& attributes) {
  text_ += fmt::format("<text x=\"{}\" y=\"{}\"", svg_number(at.x), svg_number(at.y));
  put_attributes(attributes);
  text_ += fmt::format(">{}</text>\n", escape_xml(content));
}

void Svg::power_text(SvgPoint at,
                     std::string_view base,
                     std::string_view raised,
                     const Attributes& attributes) {
  text_ += fmt::format("<text x=\"{}\" y=\"{}\"", svg_number(at.x), svg_number(at.y));
  put_attributes(attributes);
  text_ += fmt::format(">{}<tspan dy=\"-5\" font-size=\"9\">{}</tspan></text>\n",
                       escape_xml(base),
                       escape_xml(raised));
}

std::string Svg::finish() { return text_ + "</svg>\n"; }

}  // namespace einsearch
