// einsearch fit-scaling as a user meets it: stdout, stderr and exit status apart.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "app/run_binary.h"
#include "fit/planted.h"
#include "io/curve_csv.h"

using namespace einsearch;
using nlohmann::json;

namespace {

std::string to_csv(const std::vector<Curve>& curves) {
  std::string text;
  TableWriter table(TableFormat::csv,
                    curve_csv_columns(TimeColumns::left_out),
                    [&text](std::string_view part) { text += part; });
  for (const Curve& curve : curves) write_curve_rows(table, curve, TimeColumns::left_out);
  table.finish();
  return text;
}

std::string two_structures() {
  return to_csv(joined(
      planted_curves({.offset = 0.05, .noise = 0.003, .noise_seed = 1}),
      planted_curves(
          {.structure = "btt", .offset = 0.05, .noise = 0.003, .noise_seed = 2, .cost = 0.6})));
}

std::string scratch_file(const std::string& name, const std::string& text) {
  const std::string path = scratch_path(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

}  // namespace

TEST_CASE("fit-scaling: the ranking is on stdout, verdicts are on stderr, as jsonl too") {
  const Outcome csv = run_einsearch({"fit-scaling", "-"}, two_structures());
  CHECK(csv.status == 0);
  CHECK(count_lines(csv.out) == 3);
  CHECK(csv.err.find("btt: needs 0.") != std::string::npos);
  const Outcome outcome = run_einsearch({"fit-scaling", "--format", "jsonl"}, two_structures());
  const json best = json::parse(outcome.out.substr(0, outcome.out.find('\n')));
  CHECK(best.at("rank") == 1);
  CHECK(best.at("structure") == "btt");
  CHECK(best.at("status") == "converged");
  CHECK(best.at("exponent").get<double>() == doctest::Approx(0.15).epsilon(0.1));
  CHECK(best.at("multiplier").get<double>() == doctest::Approx(1 / 0.6).epsilon(0.1));
  CHECK(best.at("ols_stderr").is_null());
}

TEST_CASE("fit-scaling: the header of the ranking") {
  const Outcome outcome = run_einsearch({"fit-scaling", "-"}, two_structures());
  CHECK(outcome.out.substr(0, outcome.out.find('\n')) ==
        "rank,structure,family,theta,omega,psi,nu,params,flops,n_runs,n_widths,n_diverged,points,"
        "n_points,n_dropped_smallest,n_dropped_largest,min_compute,max_compute,decades,exponent,"
        "exponent_low,exponent_high,exponent_se,ols_stderr,prefactor,reference_compute,offset,"
        "rms_residual,status,last_loss,target_compute,predicted_loss,predicted_loss_low,"
        "predicted_loss_high,baseline,multiplier,multiplier_low,multiplier_high,compute_ratio,"
        "compute_ratio_low,compute_ratio_high,extrapolated_by,verdict,rank_low,rank_high,p_best,"
        "p_beats_baseline,p_within_5_percent,evidence,irreducible,irreducible_loss,"
        "irreducible_loss_low,irreducible_loss_high,irreducible_loss_low_80,"
        "irreducible_loss_high_80,exponent_low_80,exponent_high_80,exponent_shrunk,"
        "exponent_jackknife_se,prefactor_low,prefactor_high,prefactor_low_80,prefactor_high_80,"
        "predicted_loss_low_80,predicted_loss_high_80,predicted_loss_shrunk,multiplier_low_80,"
        "multiplier_high_80,multiplier_shrunk,multiplier_status,leave_largest_out_error,"
        "last_loss_rank,last_loss_tau,n_seeds,huber_delta,objective,degrees_of_freedom,p_"
        "undominated,prefactor_shrunk,tuning");
}

TEST_CASE("fit-scaling: files, cat of files and shuffled rows give the same bytes") {
  const std::string dense = to_csv(planted_curves({.noise = 0.01}));
  const std::string btt = to_csv(planted_curves({.structure = "btt", .noise = 0.01}));
  const std::string a = scratch_file("a.csv", dense);
  const std::string b = scratch_file("b.csv", btt);
  const Outcome files = run_einsearch({"fit-scaling", a, b});
  CHECK(files.status == 0);
  CHECK(run_einsearch({"fit-scaling", b, a}).out == files.out);
  CHECK(run_shell("cat " + b + " " + a + " | $EINSEARCH fit-scaling -").out == files.out);
  CHECK(run_shell("sort " + a + " " + b + " | sed -n '/^run,/p;q' >/dev/null; (head -1 " + a +
                  "; cat " + a + " " + b + " | grep -v ^run, | sort -r) | $EINSEARCH fit-scaling")
            .out == files.out);
}

TEST_CASE("fit-scaling: one width gives few_widths, no interval, one warning and status 0") {
  const std::string curves = to_csv(planted_curves({.widths = {64}, .n_seeds = 1}));
  const Outcome outcome = run_einsearch({"fit-scaling", "-", "--format", "jsonl"}, curves);
  CHECK(outcome.status == 0);
  CHECK(count_lines(outcome.err) == 1);
  CHECK(outcome.err.starts_with("einsearch: warning: "));
  const json row = json::parse(outcome.out);
  CHECK(row.at("status") == "few_widths");
  CHECK(row.at("n_points") == 100);
  CHECK(row.at("exponent_low").is_null());
}

TEST_CASE("fit-scaling: every frontier point in --frontier-out names a run of its structure") {
  const std::string path = scratch_path("frontier.csv");
  const Outcome outcome =
      run_einsearch({"fit-scaling", "-", "--frontier-out", path}, two_structures());
  CHECK(outcome.status == 0);
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  CHECK(line == "structure,run,width,points,train_flops,loss,law_loss");
  std::size_t rows = 0;
  while (std::getline(in, line)) {
    const std::string structure = line.substr(0, line.find(','));
    CHECK(line.find("," + structure + "-") != std::string::npos);
    ++rows;
  }
  CHECK(rows > 40);
}

TEST_CASE("fit-scaling: --frontier hull reports the error by least squares") {
  const Outcome outcome = run_einsearch(
      {"fit-scaling", "-", "--frontier", "hull", "--format", "jsonl"}, two_structures());
  CHECK(outcome.status == 0);
  const json row = json::parse(outcome.out.substr(0, outcome.out.find('\n')));
  CHECK(row.at("ols_stderr").get<double>() > 0);
}

TEST_CASE("fit-scaling: --points all warns of the size of the error") {
  std::vector<Curve> curves = planted_curves({});
  for (Curve& curve : curves) {
    curve.schedule = "cosine";
    for (CurvePoint& point : curve.points) point.anneal = 0.5;
    curve.points.back().anneal = 1;
  }
  const Outcome outcome = run_einsearch({"fit-scaling", "-", "--points", "all"}, to_csv(curves));
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("2.2 / 1.7 / 1.3 / 1.1 times") != std::string::npos);
}

TEST_CASE("fit-scaling: --plot writes a picture and leaves stdout as it was") {
  const std::string path = scratch_path("plot.svg");
  const Outcome plain = run_einsearch({"fit-scaling", "-"}, two_structures());
  const Outcome plotted = run_einsearch({"fit-scaling", "-", "--plot", path}, two_structures());
  CHECK(plotted.out == plain.out);
  CHECK(contents(path).find("</svg>") != std::string::npos);
}

TEST_CASE("fit-scaling: bad input is one line, status 2 and nothing on stdout") {
  struct Row {
    const char* input;
    const char* message;
  };
  for (const auto& [input, message] :
       {Row{"", "empty table, standard input"},
        {"structure,width,train_flops\na,1,2\n", "missing column, standard input: expected loss"},
        {"structure,width,train_flops,loss\na,64,1e9,abc\n", "standard input:2, column loss"},
        {"structure,width,train_flops,loss\na,64,1e9\n", "ragged row, standard input:2"},
        {"structure,width,train_flops,loss\na,64,1,2\nwidth,structure,train_flops,loss\n",
         "a second, different header, standard input:3"},
        {"structure,width,train_flops,loss\n", "no rows"},
        {"structure,width,train_flops,loss\na,64,1e9,0.5\nb,64,1e9,0.5\n", "nothing to fit"},
        {"structure,width,train_flops,loss\na,64,1e9,0.5\na,64,2e9,0\n", "got 0 at 2e+09 FLOPs"},
        {"structure,width,train_flops,loss\na,64,1e9,0.5\na,64,2e9,-1\n",
         "expected a loss above 0"},
        {"structure,width,train_flops,loss,task\na,64,1e9,0.5,x\na,128,2e9,0.4,y\n",
         "several tasks in one fit: expected one, got x, y"}}) {
    CAPTURE(input);
    check_refused(run_einsearch({"fit-scaling", "-"}, input), message);
  }
  const std::string curves = two_structures();
  const auto refused = [&curves](std::vector<std::string> options, const std::string& message) {
    options.insert(options.begin(), {"fit-scaling", "-"});
    check_refused(run_einsearch(options, curves), message);
  };
  refused({"--baseline", "dens"}, "did you mean dense?");
  refused({"-o", "/nonexistent/out.csv"}, "cannot write, /nonexistent/out.csv");
  refused({"--plot", "/nonexistent/out.svg"}, "cannot write, /nonexistent/out.svg");
  refused({"--frontier-out", "/nonexistent/f.csv"}, "cannot write, /nonexistent/f.csv");
  refused({"--offset", "5"}, "loss not above the offset");
  refused({"--offset", "x"}, "--offset");
  refused({"--target-compute", "-1"}, "--target-compute");
  refused({"--target-compute", "nan"}, "--target-compute");
  refused({"--frontier", "hul"}, "--frontier");
  refused({"--rank-by", "loss"}, "--rank-by");
  refused({"--step-multiple", "0"}, "--step-multiple");
  check_refused(run_einsearch({"fit-scaling", "/nonexistent.csv"}),
                "cannot read, /nonexistent.csv");
}

TEST_CASE("fit-scaling: an option without effect and one file for two outputs are refused") {
  const std::string curves = two_structures();
  check_refused(run_einsearch({"fit-scaling", "-", "--tolerance", "0.1"}, curves),
                "--tolerance has no effect: expected --frontier hull");
  const std::string path = scratch_path("both.csv");
  check_refused(run_einsearch({"fit-scaling", "-", "--plot", path, "-o", path}, curves), "twice");
  check_refused(run_einsearch({"fit-scaling", "-", "--plot", path, "--frontier-out", path}, curves),
                "twice");
}

TEST_CASE("fit-scaling: the fitted range ends at the computes that were given, to the digit") {
  const std::string curves =
      "structure,width,train_flops,loss\na,1,411648,3\na,1,1e6,2\na,1,7411648,1\n";
  const Outcome outcome = run_einsearch({"fit-scaling", "-", "--format", "jsonl"}, curves);
  const json row = json::parse(outcome.out);
  CHECK(row.at("min_compute") == 411648);
  CHECK(row.at("max_compute") == 7411648);
}

TEST_CASE("fit-scaling: a run without a name is described by its columns") {
  check_refused(run_einsearch({"fit-scaling", "-"},
                              "structure,width,seed,train_flops,loss\na,8,3,10,1\na,8,3,10,2\n"),
                "run a width=8 seed_init=3:");
}

TEST_CASE("fit-scaling: a terminal gets the summary and is told where all columns are") {
  if (run_shell("command -v script").status != 0) return;
  const std::string path = scratch_file("terminal.csv", two_structures());
  const Outcome outcome =
      run_shell("script -qec \"$EINSEARCH fit-scaling " + path + "\" /dev/null");
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find("multiplier_high") != std::string::npos);
  CHECK(outcome.out.find("predicted_loss") == std::string::npos);
  CHECK(outcome.out.find("all columns") != std::string::npos);
}
