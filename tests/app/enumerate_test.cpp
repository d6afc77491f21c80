#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "app/run_binary.h"
#include "io/columns.h"

using namespace einsearch;

TEST_CASE("enumerate prints the pinned header and one row per candidate") {
  const Outcome outcome =
      run_einsearch({"enumerate", "--grid", "1/4", "--d-in", "256", "--d-out", "1024"});
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  CHECK(count_lines(outcome.out) == 248);
  CHECK(outcome.out.substr(0, outcome.out.find('\n')) ==
        "structure,family,theta,n_alpha,n_beta,n_gamma,n_delta,n_epsilon,n_phi,n_rho,d_in,d_out,"
        "pad_in,pad_out,order,params,flops,omega,psi,nu,rank,rounding_error,theta_drift,einsum");
}

TEST_CASE("enumerate --count prints a number alone") {
  CHECK(run_einsearch({"enumerate", "--grid", "1/6", "--count"}).out == "1088\n");
  CHECK(run_einsearch({"enumerate", "--grid", "1/60", "--count", "--keep-redundant"}).out ==
        "218128741\n");
  CHECK(run_einsearch({"enumerate", "--grid", "1/6", "--count", "--max-omega", "0"}).out ==
        run_shell("$EINSEARCH enumerate --grid 1/6 --d-in 64 --d-out 64 --max-omega 0 | tail -n +2 "
                  "| wc -l | tr -d ' '")
            .out);
}

TEST_CASE("enumerate filters by every numeric column, by flag and by condition") {
  const std::vector<std::string> base = {
      "enumerate", "--grid", "1/4", "--d-in", "256", "--d-out", "256", "--count"};
  std::vector<std::string> flags = base;
  flags.insert(flags.end(),
               {"--max-omega", "0", "--min-psi", "1", "--max-n_rho", "4", "--min-n-alpha", "2"});
  std::vector<std::string> where = base;
  where.insert(where.end(), {"--where", "omega<=0,psi>=1, n_rho<=4, n_alpha>=2"});
  const Outcome by_flags = run_einsearch(flags);
  CHECK(by_flags.status == 0);
  CHECK(by_flags.out == run_einsearch(where).out);
  CHECK(std::stoi(by_flags.out) > 0);
}

TEST_CASE("a filter takes a fraction, by flag and by condition") {
  const std::string base = "$EINSEARCH enumerate --grid 1/4 --count ";
  const std::string expected = run_shell(base + "--max-nu 0.5").out;
  CHECK(std::stoi(expected) > 0);
  CHECK(run_shell(base + "--max-nu 1/2").out == expected);
  CHECK(run_shell(base + "--where 'nu<=1/2'").out == expected);
}

TEST_CASE("a reader that goes away ends enumerate quietly") {
  const Outcome outcome =
      run_shell("$EINSEARCH enumerate --grid 1/30 --d-in 256 --d-out 256 | head -n 2 > /dev/null");
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
}

TEST_CASE("enumerate prints the same bytes for any number of threads") {
  const std::string base = "$EINSEARCH enumerate --d-in 720 --d-out 256 ";
  for (const char* options : {"--grid 1/8",
                              "--grid 1/8 --format json --limit 4321",
                              "--grid 1/8 --format jsonl --limit 4321 --where 'rank>20, nu<=2/3'",
                              "--grid 1/4 --format table",
                              "--grid 1/12 --unique --format md",
                              "--lattice divisors --limit 5000 --format tsv",
                              "--lattice divisors --pareto flops,params,rank",
                              "--sample 50"}) {
    CAPTURE(options);
    const Outcome one = run_shell(base + options + " --threads 1");
    CHECK(one.status == 0);
    CHECK(count_lines(one.out) > 10);
    for (const char* threads : {" --threads 2", " --threads 5"}) {
      const Outcome more = run_shell(base + options + threads);
      CHECK(more.out == one.out);
      CHECK(more.err == one.err);
    }
  }
  const std::string too_wide =
      "$EINSEARCH enumerate --grid 1/3 --d-in 1e6 --d-out 4e6 --keep-redundant";
  CHECK(run_shell(too_wide + " --threads 3").status == 2);
  CHECK(run_shell(too_wide + " --threads 3").err == run_shell(too_wide + " --threads 1").err);
}

TEST_CASE("enumerate --limit, --pareto and --ladder print what they say") {
  CHECK(count_lines(
            run_einsearch(
                {"enumerate", "--grid", "1/4", "--d-in", "64", "--d-out", "64", "--limit", "3"})
                .out) == 4);
  const Outcome pareto = run_einsearch({"enumerate",
                                        "--lattice",
                                        "divisors",
                                        "--d-in",
                                        "64",
                                        "--d-out",
                                        "64",
                                        "--pareto",
                                        "flops,params,rank"});
  CHECK(pareto.status == 0);
  CHECK(pareto.out.find("kronecker") != std::string::npos);
  const Outcome ladder = run_einsearch(
      {"enumerate", "--structures", "dense,btt:ranks=4", "--ladder", "64,256", "--format", "csv"});
  CHECK(ladder.status == 0);
  CHECK(count_lines(ladder.out) == 3);
  CHECK(ladder.out.find("flops_exponent_spread") != std::string::npos);
  const Outcome rungs =
      run_einsearch({"enumerate", "--structures", "dense,monarch", "--suggest-ladder", "4"});
  CHECK(rungs.status == 0);
  CHECK(count_lines(rungs.out) == 5);
  CHECK(count_lines(run_einsearch({"enumerate", "--ladder", "64,256"}).out) == 25);
}

TEST_CASE("enumerate refuses bad input with one clear line and status 2") {
  struct Case {
    std::vector<std::string> more;
    const char* part;
  };
  for (const Case& c :
       {Case{{"--d-in", "8", "--d-out", "8", "--max-omgea", "1"}, "did you mean --max-omega?"},
        Case{{"--d-in", "8", "--d-out", "8", "--where", "omgea<=1"}, "did you mean omega?"},
        Case{{"--d-in", "8", "--d-out", "8", "--where", "omega"}, "omega<=0.5"},
        Case{{"--d-in", "8", "--d-out", "8", "--max-omega", "x"}, "--max-omega"},
        Case{{"--d-in", "8", "--d-out", "8", "--pareto", "rnak"}, "did you mean rank?"},
        Case{{"--d-in", "8", "--d-out", "8", "-o", "/nonexistent/x.csv"}, "/nonexistent/x.csv"},
        Case{{"--d-in", "8", "--d-out", "8", "--sample", "5"}, "more than one space"},
        Case{{"--d-in", "0", "--d-out", "8"}, "--d-in"},
        Case{{"--d-in", "8"}, "both --d-in and --d-out"},
        Case{{}, "--d-in and --d-out"},
        Case{{"--count", "--max-params", "100"}, "--d-in and --d-out"},
        Case{{"--d-in", "2e12", "--d-out", "8"}, "d_in"},
        Case{{"--d-in", "1e12", "--d-out", "1e12"}, "overflow, dense 1000000000000 ->"},
        Case{{"--d-in", "8", "--d-out", "8", "--max-nu", "1/0"}, "--max-nu"},
        Case{{"--ladder", "64,32"}, "ascend"},
        Case{{"--ladder", "64"}, "at least two"}}) {
    std::vector<std::string> arguments = {"enumerate", "--grid", "1/4"};
    arguments.insert(arguments.end(), c.more.begin(), c.more.end());
    const Outcome outcome = run_einsearch(arguments);
    CAPTURE(outcome.err);
    CAPTURE(c.part);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(c.part) != std::string::npos);
    CHECK(count_lines(outcome.err) == 1);
  }
  for (const char* grid : {"4", "1/0", "1/-3", "1/1001", "1/x", "2/4"}) {
    const Outcome outcome =
        run_einsearch({"enumerate", "--grid", grid, "--d-in", "8", "--d-out", "8"});
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
  }
}

TEST_CASE("every column of enumerate is explained by einsearch columns") {
  const Outcome outcome = run_einsearch({"columns", "--format", "csv"});
  for (const ColumnInfo& column : structure_columns()) {
    CHECK(outcome.out.find("structure," + std::string(column.name) + ",") != std::string::npos);
  }
}
