// predict, score and plot, and the reports of fit-scaling, as a user meets them.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/run_binary.h"
#include "fit/planted.h"
#include "io/curve_csv.h"

using namespace einsearch;
using nlohmann::json;

namespace {

std::string csv_file(const std::string& name, const std::vector<Curve>& curves) {
  std::string text;
  TableWriter table(TableFormat::csv,
                    curve_csv_columns(TimeColumns::left_out),
                    [&text](std::string_view part) { text += part; });
  for (const Curve& curve : curves) write_curve_rows(table, curve, TimeColumns::left_out);
  table.finish();
  const std::string path = scratch_path(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::vector<Curve> structures(const std::vector<Count>& widths, std::uint64_t seed) {
  const auto named = [&](const char* name, const char* theta, double cost, std::uint64_t own) {
    std::vector<Curve> curves = planted_curves({.structure = name,
                                                .offset = 0.02,
                                                .widths = widths,
                                                .noise = 0.003,
                                                .noise_seed = seed + own,
                                                .cost = cost});
    for (Curve& curve : curves) curve.theta = theta;
    return curves;
  };
  return joined(joined(joined(named("dense", "(0|1|0|0|1|0|0)", 1, 0),
                              named("monarch", "(0.5|0|0.5|0|0.5|0.5|0)", 0.7, 10)),
                       named("kronecker", "(0.5|0.5|0|0.5|0.5|0|0)", 2, 20)),
                named("low-rank:1/2", "(1|0|0|0|1|0|0.5)", 1.5, 30));
}

const std::vector<Count> kSmall = {64, 96, 144, 216, 324};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

TEST_CASE("predict seals what score then judges") {
  const std::string data = csv_file("small.csv", structures(kSmall, 1));
  const std::string sealed = scratch_path("sealed.json");
  const Outcome predicted =
      run_einsearch({"predict", data, "--target-compute", "4e12", "-o", sealed});
  CAPTURE(predicted.err);
  CHECK(predicted.status == 0);
  CHECK(predicted.out.empty());
  std::ifstream in(sealed);
  const json forecast = json::parse(in);
  CHECK(forecast.at("data").at("digest").get<std::string>().size() == 16);
  CHECK(forecast.at("version").get<std::string>().starts_with("einsearch "));
  CHECK(forecast.at("structures").size() == 4);
  CHECK(forecast.at("pairs").size() == 6);

  const std::string fresh = csv_file("large.csv", structures({486, 729}, 2));
  const Outcome scored = run_einsearch({"score", sealed, fresh, "--format", "jsonl"});
  CAPTURE(scored.err);
  CHECK(scored.status == 0);
  const json best = json::parse(first_line(scored.out));
  CHECK(best.at("structure") == "monarch");
  CHECK(best.at("n_scored") == 4);
  CHECK(best.at("n_pairs_right") == 6);
  CHECK(scored.err.find("6 of 6 pairs in the right order") != std::string::npos);
  const Outcome same = run_einsearch({"score", sealed, data});
  CHECK(same.err.find("the curves that the forecast was made from") != std::string::npos);
}

TEST_CASE("predict and score refuse what they cannot use, in one line") {
  const std::string data = csv_file("small.csv", structures(kSmall, 1));
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& message) {
    const Outcome outcome = run_einsearch(arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  };
  refused({"predict", data}, "no target, --target-compute");
  refused({"predict", data, "--target-compute", "1e20"}, "--force extrapolates all the same");
  refused({"score", data, data}, "not a forecast");
  refused({"score", "/nonexistent.json", data}, "cannot read, /nonexistent.json");
}

TEST_CASE("plot draws every structure with its band, as SVG and as Vega-Lite") {
  const std::string data = csv_file("small.csv", structures(kSmall, 1));
  const Outcome svg = run_einsearch({"plot", data});
  CHECK(svg.status == 0);
  for (const char* part : {"</svg>", "class=\"band\"", ">monarch<", "prefers-color-scheme:dark"}) {
    CAPTURE(part);
    CHECK(svg.out.find(part) != std::string::npos);
  }
  CHECK(run_einsearch({"plot", data, "--threads", "3"}).out == svg.out);
  const std::string path = scratch_path("plot.json");
  CHECK(run_einsearch({"plot", data, "-o", path}).status == 0);
  std::ifstream in(path);
  const json vega = json::parse(in);
  CHECK(vega.at("$schema").get<std::string>().find("vega-lite") != std::string::npos);
  CHECK(vega.at("layer").size() == 6);
}

TEST_CASE("fit-scaling --explain prints the effects of omega, psi and nu") {
  const std::string data = csv_file("small.csv", structures(kSmall, 1));
  const Outcome outcome = run_einsearch({"fit-scaling", data, "--explain"});
  CAPTURE(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(first_line(outcome.out).starts_with("term,coefficient,coefficient_low"));
  CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 5);
  CHECK(outcome.err.find("explain") != std::string::npos);
}

TEST_CASE("fit-scaling --pareto keeps whom nobody dominates, --roll-out writes how laws predict") {
  const std::string data = csv_file("small.csv", structures(kSmall, 1));
  const std::string path = scratch_path("rollout.csv");
  const Outcome outcome = run_einsearch({"fit-scaling",
                                         data,
                                         "--pareto",
                                         "exponent,predicted-loss",
                                         "--roll-out",
                                         path,
                                         "--format",
                                         "jsonl"});
  CAPTURE(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(json::parse(first_line(outcome.out)).at("structure") == "monarch");
  CHECK(json::parse(first_line(outcome.out)).at("p_undominated").get<double>() > 0.05);
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  CHECK(line == "irreducible,n_widths,n_structures,n_points,error,mean_error");
  std::size_t rows = 0;
  while (std::getline(in, line)) ++rows;
  CHECK(rows == 3);  // three laws of four widths
}

TEST_CASE("fit-scaling --paper is the hull with every point and least squares") {
  const std::string data = csv_file("small.csv", structures(kSmall, 1));
  const Outcome paper = run_einsearch({"fit-scaling", data, "--paper", "--offset", "0.01"});
  const Outcome spelt = run_einsearch(
      {"fit-scaling", data, "--frontier", "hull", "--points", "all", "--offset", "0.01"});
  CHECK(paper.status == 0);
  CHECK(paper.out == spelt.out);
}

TEST_CASE("fit-scaling --x params fits final losses against size") {
  std::string csv = "structure,width,seed,step,params,train_flops,loss\n";
  for (const int width : {8, 16, 32, 64}) {
    for (const int step : {1, 2, 3}) {
      const double params = width * width;
      csv += "dense," + std::to_string(width) + ",0," + std::to_string(step) + "," +
             std::to_string(params) + "," + std::to_string(step * 1000 * width) + "," +
             std::to_string(5 / step * 2 / std::sqrt(params)) + "\n";
    }
  }
  const Outcome outcome = run_einsearch(
      {"fit-scaling", "-", "--x", "params", "--irreducible", "zero", "--format", "jsonl"}, csv);
  CAPTURE(outcome.err);
  const json row = json::parse(outcome.out);
  CHECK(row.at("n_points") == 4);
  CHECK(row.at("exponent").get<double>() == doctest::Approx(0.5).epsilon(1e-5));
  CHECK(row.at("max_compute") == 4096);
}
