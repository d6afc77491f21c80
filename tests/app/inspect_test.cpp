#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "app/run_binary.h"
#include "structure/naive_layer.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

/// A python that can import the module, or nothing.
std::string python_with(const std::string& module) {
  for (const std::string python : {"python3", "/usr/bin/python3"}) {
    const std::string finds =
        " -c 'import importlib.util as u; assert u.find_spec(\"" + module + "\")'";
    if (run_shell(python + finds).status == 0) return python;
  }
  return "";
}

/// Reads the code of layers from files, applies each to the numbers that the test knows, and prints
/// one line of outputs per layer. The first argument is the library.
constexpr const char* kHarness = R"(
import math, sys
library = sys.argv[1]
def numbers(shape, offset):
    values = [float((7 * i + offset) % 11 - 5) for i in range(math.prod(shape))]
    if library == "torch":
        import torch
        return torch.tensor(values, dtype=torch.float64).reshape(shape)
    import numpy
    return numpy.array(values).reshape(shape)
for path in sys.argv[2:]:
    code = {"__name__": "layer"}
    exec(open(path).read(), code)
    factors = [numbers(shape, i + 1) for i, shape in enumerate(code["SHAPES"])]
    x = numbers((2, code["D_IN"]), 5)
    y = code["apply"](x, *factors, bias=numbers((code["PAD_OUT"],), 3))
    assert tuple(y.shape) == (2, code["D_OUT"]), y.shape
    assert tuple(code["apply"](x.reshape(2, 1, -1), *factors).shape) == (2, 1, code["D_OUT"])
    print(*[int(v) for v in y.reshape(-1)])
)";

struct CodeCase {
  const char* structure;
  Index d_in;
  Index d_out;
  Rounding rounding;
  OrderRule order;
};

const CodeCase kCodeCases[] = {
    {"dense", 6, 10, Rounding::exact, OrderRule::cheaper},
    {"monarch", 30, 42, Rounding::exact, OrderRule::a_first},
    {"monarch", 30, 42, Rounding::exact, OrderRule::b_first},
    {"g2", 64, 100, Rounding::paper, OrderRule::a_first},
    {"g2", 64, 100, Rounding::paper, OrderRule::b_first},
    {"g1", 256, 210, Rounding::exact, OrderRule::cheaper},
    {"tt4", 64, 256, Rounding::paper, OrderRule::cheaper},
    {"low-rank:0.5", 35, 33, Rounding::exact, OrderRule::cheaper},
    {"btt3", 64, 64, Rounding::paper, OrderRule::cheaper},
};

/// The file into which inspect wrote the code of a layer.
std::string write_code(const CodeCase& c, const std::string& library, const std::string& name) {
  const std::string path = scratch_path(name);
  const Outcome made = run_einsearch({"inspect",
                                      c.structure,
                                      "--d-in",
                                      std::to_string(c.d_in),
                                      "--d-out",
                                      std::to_string(c.d_out),
                                      "--rounding",
                                      to_string(c.rounding),
                                      "--order",
                                      to_string(c.order),
                                      "--as",
                                      library,
                                      "-o",
                                      path});
  CHECK(made.status == 0);
  CHECK(made.out.empty());
  return path;
}

/// Reads the outputs of one layer for two samples and compares them with the definition.
void check_outputs(const CodeCase& c, std::istream& printed) {
  const NaiveLayer layer = make_naive_layer(
      resolve(parse_structure(c.structure), c.d_in, c.d_out, {c.rounding, c.order}));
  const std::vector<double> inputs = test_numbers(2 * c.d_in, 5);
  for (const Index sample : {0, 1}) {
    const std::vector<double> x(inputs.begin() + sample * c.d_in,
                                inputs.begin() + (sample + 1) * c.d_in);
    for (const double expected : apply(layer, x)) {
      double found = 0;
      const bool is_read = static_cast<bool>(printed >> found);
      REQUIRE(is_read);
      CHECK(found == expected);
    }
  }
}

void check_all_code(const std::string& library) {
  const std::string python = python_with(library);
  if (python.empty()) {
    MESSAGE("skipped: no python3 that can import " << library);
    return;
  }
  const std::string harness = scratch_path("harness.py");
  std::ofstream(harness) << kHarness;
  std::string command = python + " " + harness + " " + library;
  std::string last;
  for (std::size_t i = 0; i < std::size(kCodeCases); ++i) {
    last = write_code(kCodeCases[i], library, "layer" + std::to_string(i) + ".py");
    command += " " + last;
  }
  const Outcome applied = run_shell(command);
  REQUIRE_MESSAGE(applied.status == 0, applied.err);
  std::istringstream printed(applied.out);
  for (const CodeCase& c : kCodeCases) {
    CAPTURE(c.structure);
    CAPTURE(c.d_in);
    CAPTURE(to_string(c.order));
    check_outputs(c, printed);
  }
  const Outcome demonstration = run_shell(python + " " + last);
  CHECK(demonstration.status == 0);
  CHECK(demonstration.out == "(3, 64) -> (3, 64)\n");
}

}  // namespace

TEST_CASE("inspect --as numpy applies the layer as it is defined") { check_all_code("numpy"); }

TEST_CASE("inspect --as torch applies the layer as it is defined") { check_all_code("torch"); }

TEST_CASE("inspect prints one row in the formats for programs and a layout for people") {
  const std::vector<std::string> question = {
      "inspect", "monarch", "--d-in", "256", "--d-out", "1024", "--exact-rank"};
  std::vector<std::string> jsonl = question;
  jsonl.insert(jsonl.end(), {"--format", "jsonl"});
  const Outcome row = run_einsearch(jsonl);
  CHECK(row.status == 0);
  CHECK(row.err.empty());
  const nlohmann::json values = nlohmann::json::parse(row.out);
  CHECK(values["params"] == 24576);
  CHECK(values["flops"] == 49152);
  CHECK(values["einsum"] == "fga,feg,ga->fe");
  CHECK(values["exact_rank"] == 256);
  CHECK(values["b_fan_out"] == 32);

  std::vector<std::string> table = question;
  table.insert(table.end(), {"--format", "table"});
  const Outcome layout = run_einsearch(table);
  CHECK(layout.status == 0);
  CHECK(layout.out.find("parameters   24576") != std::string::npos);
  CHECK(layout.out.find("step 1       fga,ga->fg") != std::string::npos);
}

TEST_CASE("inspect warns about sizes far from theta and still answers") {
  const Outcome outcome = run_einsearch({"inspect", "monarch", "--d-in", "97", "--d-out", "97"});
  CHECK(outcome.status == 0);
  CHECK(outcome.err.find("octaves from theta") != std::string::npos);
  CHECK(outcome.out.find("monarch") != std::string::npos);
}

TEST_CASE("inspect refuses bad input with one clear line and status 2") {
  struct Case {
    std::vector<std::string> arguments;
    const char* part;
  };
  const auto of = [](const char* structure) {
    return std::vector<std::string>{"inspect", structure, "--d-in", "128", "--d-out", "128"};
  };
  std::vector<std::string> padded = of("g1");
  padded.insert(padded.end(), {"--rounding", "paper"});
  for (const Case& c :
       {Case{of("0.33,0.33,0.33,0,1,0,0"), "1/3|1/3|1/3"},
        Case{of("(1.2|-0.2|0|0|1|0|0)"), "[0, 1]"},
        Case{of("(0.5|0.5|0|0|1|0)"), "wrong number of exponents"},
        Case{of("(nan|0.5|0.5|0|1|0|0)"), "nan"},
        Case{of("monarh"), "did you mean monarch?"},
        Case{padded, "padding beyond 15 %"},
        Case{{"inspect", "dense", "--d-in", "0", "--d-out", "8"}, "--d-in"},
        Case{{"inspect", "dense", "--d-in", "-8", "--d-out", "8"}, "--d-in"},
        Case{{"inspect", "dense", "--d-in", "1e12", "--d-out", "1e12"}, "overflow"},
        Case{{"inspect", "dense", "--d-in", "1e30", "--d-out", "8"}, "--d-in"},
        Case{{"inspect", "dense", "--d-in", "8", "--d-out", "8", "-o", "/nonexistent/x"},
             "/nonexistent/x"}}) {
    const Outcome outcome = run_einsearch(c.arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(c.part) != std::string::npos);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
}

TEST_CASE("inspect --as is code alone: options of the table with it are refused") {
  for (const std::string other : {"--exact-rank", "--format json"}) {
    const Outcome outcome =
        run_shell("$EINSEARCH inspect monarch --d-in 16 --d-out 16 --as numpy " + other);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find("do not go together") != std::string::npos);
  }
}
