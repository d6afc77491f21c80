#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "fit/planted.h"
#include "fit/ranking.h"
#include "io/frontier_plot.h"
#include "io/log_ticks.h"
#include "io/ranks_plot.h"
#include "io/rates_plot.h"
#include "io/spread_apart.h"
#include "io/svg.h"

using namespace einsearch;

namespace {

std::string labels(double low, double high, int most) {
  std::string text;
  for (const LogTick& tick : log_ticks(low, high, most)) {
    if (!tick.is_labelled) continue;
    text += tick.text;
    if (!tick.raised.empty()) text.append("^").append(tick.raised);
    text += ' ';
  }
  return text;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE(
    "ticks of a logarithmic axis are 1-2-5 where there is room, then 1-3, then powers of ten") {
  CHECK(labels(0.9, 110, 8) == "1 2 5 10 20 50 100 ");
  CHECK(labels(3e9, 2e13, 9) == "3×10^9 10^10 3×10^10 10^11 3×10^11 10^12 3×10^12 10^13 ");
  CHECK(labels(0.34, 0.72, 8) == "0.4 0.5 0.6 0.7 ");
  CHECK(labels(4e11, 6e12, 9) == "5×10^11 10^12 2×10^12 5×10^12 ");
  CHECK(labels(0.31, 0.385, 8) == "0.31 0.32 0.33 0.34 0.35 0.36 0.37 0.38 ");
  CHECK(labels(3.05e9, 3.95e9, 5) == "3.2×10^9 3.4×10^9 3.6×10^9 3.8×10^9 ");
  for (const double high : {1.01, 1.5, 30.0, 1e4, 1e9, 1e40}) {
    const std::vector<LogTick> ticks = log_ticks(1, high, 8);
    const auto labelled = std::count_if(
        ticks.begin(), ticks.end(), [](const LogTick& tick) { return tick.is_labelled; });
    CAPTURE(high);
    CHECK(labelled >= 1);
    CHECK(labelled <= 9);
  }
}

TEST_CASE("text in a picture is escaped and numbers have at most two decimals") {
  CHECK(escape_xml("a<b>&\"c'\n") == "a&lt;b&gt;&amp;&quot;c&#39; ");
  CHECK(svg_number(1.0) == "1");
  CHECK(svg_number(-0.001) == "0");
  CHECK(svg_number(12.345678) == "12.35");
  CHECK(svg_number(100) == "100");
}

TEST_CASE("the picture names every structure, draws its law, and is the same bytes each time") {
  const std::vector<Curve> curves =
      joined(planted_curves({}), planted_curves({.structure = "<b>&", .cost = 0.9}));
  const Ranking ranking = rank_structures(curves);
  const std::string svg = frontier_svg(ranking, curves);
  CHECK(svg == frontier_svg(ranking, curves));
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find(">dense</text>") != std::string::npos);
  CHECK(svg.find(">&lt;b&gt;&amp;</text>") != std::string::npos);
  CHECK(count_of(svg, "class=\"law\"") == 2);
  CHECK(count_of(svg, "<g") == count_of(svg, "</g>"));
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.size() < 100000);
}

TEST_CASE("names of laws that end in one place do not overlap") {
  std::vector<Curve> curves;
  for (char name = 'a'; name < 'a' + 12; ++name) {
    curves = joined(curves, planted_curves({.structure = std::string(1, name), .n_seeds = 1}));
  }
  const std::string svg = frontier_svg(rank_structures(curves), curves);
  std::vector<double> heights;
  const std::string mark = "class=\"name\"";
  for (auto at = svg.find(mark); at != std::string::npos; at = svg.find(mark, at + 1)) {
    const auto y = svg.rfind(" y=\"", at);
    heights.push_back(std::stod(svg.substr(y + 4)));
  }
  REQUIRE(heights.size() == 12);
  std::sort(heights.begin(), heights.end());
  for (std::size_t i = 1; i < heights.size(); ++i) CHECK(heights[i] - heights[i - 1] >= 12);
}

TEST_CASE("the picture of ranks has a row for every structure that has a rank") {
  std::vector<Curve> curves =
      joined(planted_curves({}), planted_curves({.structure = "<b>&", .cost = 0.9}));
  curves.push_back(curves.front());  // one point alone has no law
  curves.back().structure = "alone";
  curves.back().points.resize(1);
  const Ranking ranking = rank_structures(curves);
  const std::string svg = ranks_svg(ranking, "Ranks");
  CHECK(svg == ranks_svg(ranking, "Ranks"));
  CHECK(count_of(svg, "<circle") == 2);
  CHECK(svg.find(">&lt;b&gt;&amp;</text>") != std::string::npos);
  CHECK(svg.find(">alone<") == std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("the picture of rates has a panel for every structure and a line for every width") {
  std::vector<Curve> curves;
  for (const char* name : {"dense", "a<b"}) {
    for (const Count width : {16, 64}) {
      for (const double rate : {1e-3, 2e-3, 4e-3}) {
        Curve curve;
        curve.structure = name;
        curve.width = width;
        curve.lr = rate;
        curve.run = name + std::to_string(width) + "/" + std::to_string(rate);
        const double distance = std::log(rate / 2e-3);
        CurvePoint& point = curve.points.emplace_back();
        point.train_flops = 1e9;
        point.loss = 0.1 + 0.1 * distance * distance;
        curves.push_back(curve);
      }
    }
  }
  const std::string svg = rates_svg(check_tuning(curves), "Rates");
  CHECK(svg == rates_svg(check_tuning(curves), "Rates"));
  CHECK(count_of(svg, "<polyline") == 4);
  CHECK(count_of(svg, ">a&lt;b") == 1);
  CHECK(svg.find("nan") == std::string::npos);
  curves.resize(1);
  CHECK_THROWS_WITH_AS(
      rates_svg(check_tuning(curves), "Rates"), doctest::Contains("nothing to draw"), Error);
}

TEST_CASE(
    "labels keep their gap and page, and no small move brings them nearer to what they name") {
  const std::vector<double> wanted = {10, 50, 51, 52, 53, 200, 201, 300};
  constexpr double kGap = 16;
  const auto cost = [&wanted](const std::vector<double>& places) {
    double sum = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      sum += (places[i] - wanted[i]) * (places[i] - wanted[i]);
    }
    return sum;
  };
  const auto is_allowed = [](const std::vector<double>& places) {
    for (std::size_t i = 1; i < places.size(); ++i) {
      if (places[i] - places[i - 1] < kGap - 1e-9) return false;
    }
    return places.front() >= 0 && places.back() <= 305;
  };
  const std::vector<double> places = spread_apart(wanted, kGap, 0, 305);
  REQUIRE(is_allowed(places));
  for (std::size_t first = 0; first < wanted.size(); ++first) {
    for (std::size_t last = first; last < wanted.size(); ++last) {
      for (const double step : {-0.5, 0.5}) {
        std::vector<double> moved = places;
        for (std::size_t i = first; i <= last; ++i) moved[i] += step;
        if (is_allowed(moved)) CHECK(cost(moved) > cost(places));
      }
    }
  }
  // Without room for the gap they are even.
  CHECK(spread_apart({5, 5, 5}, 16, 0, 10) == std::vector<double>{0, 5, 10});
}
