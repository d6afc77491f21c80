#include "search/match.h"

#include <doctest/doctest.h>

#include <cmath>

#include "structure/candidate.h"
#include "structure/notation.h"

using namespace einsearch;

TEST_CASE("a matched width costs what was asked for, at sizes near theta") {
  for (const char* name :
       {"monarch", "kronecker", "low-rank:0.5", "btt:ranks=2", "(0.5|0.25|0.25|0.25|0.5|0.25|0)"}) {
    CAPTURE(name);
    MlpOptions options;
    options.structure = parse_structure(name);
    const double target = 2e5;
    options.width = WidthMatcher(options).match(target, 64);
    CHECK(std::abs(std::log(model_flops(options) / target)) < 0.06);
    const auto up = WidthResolver(options.width, 4 * options.width, {})(options.structure);
    REQUIRE(up);
    CHECK(up->quality.rounding_error < 0.5);
  }
  MlpOptions dense;
  dense.structure = parse_structure("dense");
  dense.width = 48;
  CHECK(WidthMatcher(dense).match(model_flops(dense), 16) == 48);
}
