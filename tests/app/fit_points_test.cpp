// einsearch fit-scaling --law surface and --law line as a user meets them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "app/run_binary.h"

using namespace einsearch;
using nlohmann::json;

namespace {

/// 54 points of 1.69 + 406.4 N^-0.34 + 410.7 D^-0.28, named as in other people's tables.
std::string surface_csv() {
  std::string text = "dataset,params_b,tokens,flops,val\n";
  for (int budget = 17; budget <= 22; ++budget) {
    for (int i = -4; i <= 4; ++i) {
      const double product = std::pow(10.0, budget) / 6;
      const double n = std::sqrt(product / 20) * std::pow(10.0, i / 8.0);
      const double d = product / n;
      const double loss = 1.69 + 406.4 * std::pow(n, -0.34) + 410.7 * std::pow(d, -0.28);
      text += fmt::format("web,{},{},{},{}\n", n / 1e9, d, 6 * product, loss);
    }
  }
  return text;
}

json first_row(const Outcome& outcome) {
  REQUIRE(outcome.status == 0);
  return json::parse(outcome.out.substr(0, outcome.out.find('\n')));
}

std::vector<std::string> with(std::vector<std::string> options) {
  std::vector<std::string> all = {"fit-scaling", "-", "--format", "jsonl"};
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

const std::vector<std::string> kSurface = with({"--law",
                                                "surface",
                                                "--n",
                                                "params_b",
                                                "--d",
                                                "tokens",
                                                "--y",
                                                "val",
                                                "--group",
                                                "dataset",
                                                "--replicates",
                                                "40"});

std::vector<std::string> surface_with(std::vector<std::string> options) {
  std::vector<std::string> all = kSurface;
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

}  // namespace

TEST_CASE("fit-scaling --law surface: columns of any name give the law back") {
  const json row = first_row(run_einsearch(kSurface, surface_csv()));
  CHECK(row.at("group") == "web");
  CHECK(row.at("status") == "converged");
  CHECK(row.at("n_points") == 54);
  CHECK(row.at("irreducible_loss").get<double>() == doctest::Approx(1.69).epsilon(1e-6));
  CHECK(row.at("alpha").get<double>() == doctest::Approx(0.34).epsilon(1e-6));
  CHECK(row.at("b").get<double>() == doctest::Approx(410.7).epsilon(1e-5));
  // A counts N in billions here, as the column does.
  CHECK(row.at("a").get<double>() == doctest::Approx(406.4 * std::pow(1e9, -0.34)).epsilon(1e-5));
  CHECK(row.at("alpha_low").get<double>() <= 0.34 + 1e-6);
  CHECK(row.at("target_compute").is_null());
}

TEST_CASE("fit-scaling --law surface: the optimum at a compute, held-out rows, and the guard") {
  const json row = first_row(run_einsearch(
      surface_with(
          {"--target-compute", "1e21", "--flops-per-nd", "6e9", "--hold-out", "flops>3e21"}),
      surface_csv()));
  CHECK(row.at("n_points") == 45);
  CHECK(row.at("n_held_out") == 9);
  CHECK(row.at("held_out_error").get<double>() < 1e-5);
  const double n = row.at("optimal_n").get<double>();
  CHECK(6e9 * n * row.at("optimal_d").get<double>() == doctest::Approx(1e21).epsilon(1e-9));
  CHECK(row.at("extrapolated_by").is_null());
  const std::vector<std::string> far = {"--target-compute", "2e23", "--flops-per-nd", "6e9"};
  check_refused(run_einsearch(surface_with(far), surface_csv()),
                "target beyond ten times the largest compute");
  std::vector<std::string> forced = far;
  forced.push_back("--force");
  CHECK(first_row(run_einsearch(surface_with(forced), surface_csv())).at("extrapolated_by") ==
        doctest::Approx(20).epsilon(0.01));
}

TEST_CASE("fit-scaling --law surface: rows without numbers are told, rows below zero refused") {
  const std::string bad = "web,1,1e9,1,nan\nweb,1,1e9,1,\n";
  const Outcome outcome = run_einsearch(kSurface, surface_csv() + bad);
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("1 rows that diverged") != std::string::npos);
  CHECK(outcome.err.find("1 rows without a value") != std::string::npos);
  check_refused(run_einsearch(kSurface, surface_csv() + "web,1,1e9,1,-2\n"),
                "value without a logarithm, standard input:56, column val: expected a number above "
                "0, got -2");
  check_refused(
      run_einsearch({"fit-scaling", "-", "--law", "surface", "--n", "params"}, surface_csv()),
      "did you mean params_b?");
}

TEST_CASE("fit-scaling --law line: a power comes back with the error of least squares") {
  std::string text = "seed,c,y\n";
  for (int i = 0; i < 20; ++i) {
    const double c = std::pow(10.0, 3 + 0.2 * i);
    text += fmt::format("{},{},{}\n", i % 4, c, 7 * std::pow(c, 0.49) * (i % 2 == 0 ? 1.01 : 0.99));
  }
  const json row = first_row(
      run_einsearch(with({"--law", "line", "--x", "c", "--y", "y", "--run", "seed"}), text));
  CHECK(row.at("slope").get<double>() == doctest::Approx(0.49).epsilon(0.005));
  CHECK(row.at("slope_stderr").get<double>() > 0);
  CHECK(row.at("n_runs") == 4);
  CHECK(row.at("group") == "all");
}

TEST_CASE("fit-scaling: conditions choose rows, and bad ones are refused") {
  const std::string text = "c,y,keep\n10,5,1\n100,4,yes\n1000,3,1\n10000,9,0\n";
  const auto run = [&](const std::string& condition) {
    return run_einsearch(with({"--law", "line", "--x", "c", "--y", "y", "--where", condition}),
                         text);
  };
  CHECK(first_row(run("keep!=0")).at("n_points") == 3);
  CHECK(first_row(run("c>=1000")).at("n_points") == 2);
  CHECK(first_row(run("c<101")).at("n_points") == 2);
  check_refused(run("keep"), "bad condition, --where");
  check_refused(run("kept=1"), "missing column, standard input: expected kept");
  check_refused(run("keep<2"), "not a number, standard input:3, column keep");
}

TEST_CASE("fit-scaling: an option of another law is refused") {
  check_refused(run_einsearch({"fit-scaling", "-", "--huber-delta", "1"}, surface_csv()),
                "--huber-delta has no effect: expected --law surface");
  check_refused(run_einsearch(surface_with({"--rank-by", "exponent"}), surface_csv()),
                "--rank-by has no effect: expected --law power");
}
