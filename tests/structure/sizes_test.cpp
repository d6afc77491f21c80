#include "structure/sizes.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "structure/cost.h"
#include "structure/layer_shape.h"
#include "structure/notation.h"

using namespace einsearch;

TEST_CASE("exact rounding never pads") {
  for (const char* name : {"monarch", "kronecker", "g2", "btt13", "tt4", "low-rank:1/3"}) {
    for (const Index d_in : {1, 2, 30, 97, 128, 1000, 1000000}) {
      CAPTURE(name);
      CAPTURE(d_in);
      const Index d_out = 3 * d_in + 1;
      const Sizes sizes =
          integer_sizes(parse_structure(name).theta, {d_in, d_out}, Rounding::exact);
      CHECK(sizes.pad_in() == d_in);
      CHECK(sizes.pad_out() == d_out);
    }
  }
}

TEST_CASE("equally near sizes of Monarch at 128 give one answer of full rank") {
  const LayerShape shape = resolve(parse_structure("monarch"), 128, 128);
  CHECK(shape.rank == 128);
  CHECK(shape.sizes == Sizes{8, 1, 16, 1, 16, 8, 1});
}

TEST_CASE("padding beyond 15 % is refused and exact rounding is not") {
  CHECK_THROWS_AS(resolve(parse_structure("g1"), 128, 128, {.rounding = Rounding::paper}), Error);
  CHECK_NOTHROW(resolve(parse_structure("g1"), 128, 128));
}

TEST_CASE("sizes of zero, below zero and beyond 64 bits are refused") {
  CHECK_THROWS_AS(resolve(parse_structure("dense"), 0, 8), Error);
  CHECK_THROWS_AS(resolve(parse_structure("monarch"), 8, -1), Error);
  CHECK_THROWS_AS(resolve(parse_structure("dense"), Index{1} << 40, Index{1} << 40), Error);
  const Structure large = parse_structure("(0|1|0|1|0|0|1)");
  CHECK_THROWS_AS(resolve(large, 1 << 24, 1 << 24, {.order = OrderRule::a_first}), Error);
  CHECK_NOTHROW(resolve(large, 1 << 24, 1 << 24));
  CHECK_NOTHROW(resolve(parse_structure("monarch"), 1000000, 4000000));
}

TEST_CASE("the cheaper order is executed, equal cost is A first, fans follow unrounded sizes") {
  CHECK(resolve(parse_structure("monarch"), 256, 256).order == Order::a_first);
  CHECK(resolve(parse_structure("tt2"), 256, 1024, {.rounding = Rounding::paper}).order ==
        Order::b_first);
  const LayerShape forced =
      resolve(parse_structure("tt2"), 256, 1024, {Rounding::paper, OrderRule::a_first});
  CHECK(forced.order == Order::a_first);
  CHECK(forced.fan_order == Order::a_first);
}
