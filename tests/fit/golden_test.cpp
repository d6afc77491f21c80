// The hull frontier reproduces what the reference's notebooks compute on synthetic curves.
#include "golden.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "fit/hull_frontier.h"
#include "fit/power_law.h"
#include "io/curve_csv.h"

using namespace einsearch;
using nlohmann::json;

namespace {

constexpr double kDigits = 1e-9;
// Both optimisers stop when a step gains a relative 1.5e-8 of the sum of squares; the parameters,
// strongly correlated, are then known to a few 1e-6 only.
constexpr double kOptimiserDigits = 1e-5;

std::optional<json> read_fit_json() {
  const auto path = find_golden("fit.json");
  if (!path) return std::nullopt;
  return json::parse(std::ifstream(*path));
}

PointTable read_points(const std::string& file) {
  PointTable table;
  const auto path = find_golden(file);
  if (!path) return table;
  for (const CsvRecord& record : read_csv_records(*path)) {
    table.compute.push_back(std::stod(record.at("compute")));
    table.loss.push_back(std::stod(record.at("loss")));
  }
  return table;
}

void check_points(const PointTable& table, const std::vector<Index>& rows, const json& expected) {
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    const auto row = static_cast<std::size_t>(rows[i]);
    CHECK(table.compute[row] == doctest::Approx(expected[i][0].get<double>()).epsilon(kDigits));
    CHECK(table.loss[row] == doctest::Approx(expected[i][1].get<double>()).epsilon(kDigits));
  }
}

void check_line(const LineFit& line, const json& expected) {
  const auto approx = [&expected](const char* name) {
    return doctest::Approx(expected.at(name).get<double>()).epsilon(kDigits);
  };
  CHECK(-line.slope == approx("slope"));
  CHECK(line.intercept == approx("intercept"));
  CHECK(line.slope_stderr == approx("stderr"));
  CHECK(line.intercept_stderr == approx("intercept_stderr"));
}

void check_pruned(const PointTable& table, const std::vector<Index>& rows, const json& expected) {
  const std::vector<bool> mask = expected.at("mask");
  REQUIRE(mask.size() == rows.size());
  const std::size_t kept = pruned_count(table, rows);
  for (std::size_t i = 0; i < mask.size(); ++i) CHECK(mask[i] == (i < kept));
  check_line(fit_log_line(table, std::span(rows).first(kept)), expected);
}

void check_offset(const PointTable& table, const std::vector<Index>& rows, const json& expected) {
  const OffsetLaw law = fit_offset_law(table, rows);
  CHECK(law.a == doctest::Approx(expected.at("a").get<double>()).epsilon(kOptimiserDigits));
  CHECK(law.b == doctest::Approx(expected.at("b").get<double>()).epsilon(kOptimiserDigits));
  CHECK(law.c == doctest::Approx(expected.at("c").get<double>()).epsilon(kOptimiserDigits));
}

/// "pipeline_mlp_s1" -> curves of fit_s1.csv, one run per width.
std::vector<Curve> curves_of(const std::string& file) {
  std::vector<Curve> curves;
  const auto path = find_golden(file);
  if (!path) return curves;
  std::map<Count, Curve> by_width;
  for (const CsvRecord& record : read_csv_records(*path)) {
    const Count width = std::stoll(record.at("width"));
    CurvePoint point;
    point.step = std::stoll(record.at("step"));
    point.train_flops = std::stod(record.at("compute"));
    point.loss = std::stod(record.at("loss"));
    by_width[width].width = width;
    by_width[width].points.push_back(point);
  }
  for (const auto& [width, curve] : by_width) curves.push_back(curve);
  return curves;
}

HullOptions pipeline_options(const std::string& name, const json& arguments) {
  const bool is_pixels = name.find("c5m") != std::string::npos;
  HullOptions options;
  options.tolerance = is_pixels ? 0.05 : 0.02;
  options.step_multiple = is_pixels ? 1000 : 10000;
  options.min_step = arguments.at("min_step");
  options.max_step = arguments.at("max_step");
  if (is_pixels) options.max_step = std::min(options.max_step, 186399.0);
  options.min_compute = arguments.at("min_compute");
  options.max_compute = arguments.at("max_compute");
  return options;
}

}  // namespace

TEST_CASE("golden fit: hull, front, improved points and every fit of them") {
  const auto golden = read_fit_json();
  if (!golden) return;
  for (const auto& [name, expected] : golden->items()) {
    if (!expected.is_object() || !expected.contains("points_csv")) continue;
    CAPTURE(name);
    const PointTable table = read_points(expected.at("points_csv"));
    if (table.size() == 0) continue;
    CHECK(hull_vertices(table) == expected.at("hull_idx").get<std::vector<Index>>());
    const std::vector<Index> front = hull_front(table, expected.at("threshold"));
    CHECK(front == expected.at("front_idx").get<std::vector<Index>>());
    check_points(table, front, expected.at("front_points"));
    const std::vector<Index> improved = improving(table, front);
    check_points(table, improved, expected.at("improved_points"));
    check_line(fit_log_line(table, front), expected.at("loglog_front"));
    check_line(fit_log_line(table, improved), expected.at("loglog_improved"));
    check_pruned(table, front, expected.at("loglog_front_prune"));
    check_pruned(table, improved, expected.at("loglog_improved_prune"));
    check_offset(table, front, expected.at("offset_front"));
    check_offset(table, improved, expected.at("offset_improved"));
    const LineFit below = line_below(table);
    const json& line = expected.at("lp_lower_line");
    CHECK(-below.slope == doctest::Approx(line.at("a").get<double>()).epsilon(1e-7));
    CHECK(below.intercept == doctest::Approx(line.at("b").get<double>()).epsilon(1e-7));
  }
}

TEST_CASE("golden fit: whole pipelines from curves to slope and standard errors") {
  const auto golden = read_fit_json();
  if (!golden) return;
  for (const auto& [name, expected] : golden->items()) {
    if (!name.starts_with("pipeline_")) continue;
    CAPTURE(name);
    const std::vector<Curve> curves = curves_of("fit" + name.substr(name.rfind('_')) + ".csv");
    if (curves.empty()) continue;
    Runs runs;
    for (const Curve& curve : curves) runs.push_back(&curve);
    const json& arguments = expected.at("kwargs");
    const double offset = arguments.at("min_loss");
    const Frontier frontier =
        hull_frontier(runs, PointChoice::all, pipeline_options(name, arguments), offset);
    const json& pareto = expected.at("pareto");
    REQUIRE(frontier.points.size() == pareto.size());
    for (std::size_t i = 0; i < pareto.size(); ++i) {
      CHECK(frontier.points[i].compute ==
            doctest::Approx(pareto[i][0].get<double>()).epsilon(kDigits));
      CHECK(frontier.points[i].loss - offset ==
            doctest::Approx(pareto[i][1].get<double>()).epsilon(kDigits));
    }
    const PowerLaw law = fit_power_law(frontier, offset);
    CHECK(law.exponent == doctest::Approx(expected.at("slope").get<double>()).epsilon(kDigits));
    CHECK(law.exponent_stderr ==
          doctest::Approx(expected.at("slope_err").get<double>()).epsilon(kDigits));
    PointTable table;
    std::vector<Index> rows;
    for (const FrontierPoint& point : frontier.points) {
      rows.push_back(static_cast<Index>(rows.size()));
      table.compute.push_back(point.compute);
      table.loss.push_back(point.loss - offset);
    }
    const LineFit line = fit_log_line(table, rows);
    CHECK(line.intercept ==
          doctest::Approx(expected.at("intercept").get<double>()).epsilon(kDigits));
    CHECK(line.intercept_stderr ==
          doctest::Approx(expected.at("intercept_err").get<double>()).epsilon(kDigits));
  }
}
