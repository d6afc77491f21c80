#include "structure/notation.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "structure/catalogue.h"
#include "structure/family.h"

using namespace einsearch;

namespace {

std::string message_of(const std::string& text) {
  try {
    parse_structure(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every name stands for its theta") {
  struct Case {
    const char* name;
    Theta theta;
    Family family;
  };
  for (const Case& c :
       {Case{"dense", {0, 1, 0, 0, 1, 0, 0}, Family::dense},
        Case{"low-rank:0.5", {1, 0, 0, 0, 1, 0, 0.5}, Family::low_rank},
        Case{"kronecker", {0.5, 0.5, 0, 0.5, 0.5, 0, 0}, Family::kronecker},
        Case{"tt", {0.5, 0.5, 0, 0.5, 0.5, 0, 0.25}, Family::tt},
        Case{"tt:1/3", {0.5, 0.5, 0, 0.5, 0.5, 0, 1.0 / 3}, Family::tt},
        Case{"monarch", {0.5, 0, 0.5, 0, 0.5, 0.5, 0}, Family::monarch},
        Case{"btt", {0.5, 0, 0.5, 0, 0.5, 0.5, 0}, Family::monarch},
        Case{"btt:rank=0.25", {0.5, 0, 0.5, 0, 0.5, 0.5, 0.25}, Family::btt},
        Case{"btt2", {0.33, 0, 0.67, 0, 0.67, 0.33, 0}, Family::btt},
        Case{"g1", {0.5, 0.25, 0.25, 0.25, 0.5, 0.25, 0}, Family::generic},
        Case{"1/2,0,1/2,0,1/2,1/2,0", {0.5, 0, 0.5, 0, 0.5, 0.5, 0}, Family::monarch}}) {
    CAPTURE(c.name);
    const Structure structure = parse_structure(c.name);
    CHECK(structure.theta == c.theta);
    CHECK(family(structure.theta) == c.family);
  }
  CHECK(parse_structure("btt:ranks=4").n_rho == 4);
  CHECK(family(parse_structure("btt:ranks=4")) == Family::btt);
  CHECK(family(parse_structure("btt:ranks=1")) == Family::monarch);
}

TEST_CASE("a printed structure parses back to itself") {
  for (const char* text : {"dense",
                           "low-rank:0.33",
                           "low-rank:1/3",
                           "tt",
                           "tt:0.1",
                           "btt:rank=1/7",
                           "btt:ranks=3",
                           "(1/3|1/3|1/3|0.33|0.67|0|1/64)",
                           "(0.1234567|0.8765433|0|0|1|0|0.30000000000000004)",
                           "0,1,0,0,1,0,0.5"}) {
    CAPTURE(text);
    const Structure structure = parse_structure(text);
    CHECK(parse_structure(structure.name) == structure);
    CHECK(parse_theta(to_string(structure.theta)) == structure.theta);
  }
  for (const NamedTheta& named : paper_structures()) {
    CAPTURE(named.name);
    CHECK(parse_structure(named.name).theta == named.theta);
    CHECK(parse_theta(to_string(named.theta)) == named.theta);
  }
}

TEST_CASE("exponents print as short decimals or as fractions") {
  CHECK(to_string(Theta{1.0 / 3, 2.0 / 3, 0, 0.33, 0.67, 0, 0.0625}) ==
        "(1/3|2/3|0|0.33|0.67|0|0.0625)");
}

TEST_CASE("exactly theta (0|1|0|0|1|0|0) or its exchange is the plain dense matrix") {
  CHECK(parse_structure("(0|1|0|0|1|0|0)").is_dense);
  CHECK(parse_structure("(1|0|0|1|0|0|0)").is_dense);
  CHECK(parse_structure("(1|0|0|1|0|0|0)") == parse_structure("dense"));
  CHECK_FALSE(parse_structure("(0|1|0|0|1|0|0.5)").is_dense);
}

TEST_CASE("a bad structure is refused in words") {
  struct Case {
    const char* text;
    const char* part;
  };
  for (const Case& c : {Case{"0.33|0.33|0.33|0|1|0|0", "1/3|1/3|1/3"},
                        Case{"(0.5|0.6|0|0|1|0|0)", "do not add to 1"},
                        Case{"(1.5|-0.5|0|0|1|0|0)", "[0, 1]"},
                        Case{"(0.5|0.5|0|0|1|0)", "wrong number of exponents"},
                        Case{"(0.5|0.5|0|0|1|0|0|0)", "wrong number of exponents"},
                        Case{"(nan|0.5|0.5|0|1|0|0)", "[0, 1]"},
                        Case{"(1/0|0.5|0.5|0|1|0|0)", "[0, 1]"},
                        Case{"(0.5|0.5|0|0|1|0|0", "parenthesis"},
                        Case{"monach", "did you mean monarch?"},
                        Case{"btt4", "did you mean btt"},
                        Case{"low-rank:2", "[0, 1]"},
                        Case{"btt:ranks=0", "whole number"},
                        Case{"btt:ranks=", "whole number"},
                        Case{"", "unknown structure"}}) {
    CAPTURE(c.text);
    CHECK(message_of(c.text).find(c.part) != std::string::npos);
  }
}

TEST_CASE("familiar structures get their names back") {
  for (const char* name :
       {"dense", "kronecker", "monarch", "low-rank:0.5", "tt:0.25", "btt:rank=0.25"}) {
    const Structure named = parse_structure(name);
    CHECK(with_familiar_name(structure_of(named.theta)).name == name);
  }
  const Structure other = parse_structure("(0.5|0.25|0.25|0.25|0.5|0.25|0)");
  CHECK(with_familiar_name(other) == other);
  const Structure fixed = parse_structure("btt:ranks=2");
  CHECK(with_familiar_name(fixed) == fixed);
}
