#include "structure/cost.h"

#include <doctest/doctest.h>

#include "structure/exact_rank.h"
#include "structure/layer_shape.h"
#include "structure/naive_layer.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

/// A shape with given sizes and no padding.
LayerShape shape_with(const Sizes& sizes, OrderRule rule = OrderRule::cheaper) {
  const Widths widths{sizes.pad_in(), sizes.pad_out()};
  return einsum_shape(sizes, unrounded_sizes({0, 1, 0, 0, 1, 0, 0}, widths), widths, rule);
}

}  // namespace

TEST_CASE("FLOPs and parameters equal the counts of the naive loop nest, in both orders") {
  for (const Sizes& sizes : {Sizes{2, 3, 5, 7, 2, 3, 2},
                             Sizes{7, 1, 2, 1, 3, 5, 1},
                             Sizes{3, 5, 1, 2, 7, 1, 4},
                             Sizes{1, 1, 6, 1, 1, 6, 1}}) {
    CAPTURE(sizes);
    for (const OrderRule rule : {OrderRule::cheaper, OrderRule::a_first, OrderRule::b_first}) {
      const LayerShape shape = shape_with(sizes, rule);
      const NaiveLayer layer = make_naive_layer(shape);
      CHECK(shape.flops == 2 * count_macs(shape));
      CHECK(shape.params == static_cast<Count>(layer.a.size() + layer.b.size()));
    }
    CHECK(shape_with(sizes).flops <= shape_with(sizes, OrderRule::a_first).flops);
    CHECK(shape_with(sizes).flops <= shape_with(sizes, OrderRule::b_first).flops);
  }
}

TEST_CASE("the numeric rank never exceeds the bound") {
  for (int code = 0; code < 2187; code += 5) {  // sizes from 1 to 3
    Index digits[7];
    for (int i = 0, rest = code; i < 7; ++i, rest /= 3) digits[i] = 1 + rest % 3;
    const LayerShape shape =
        shape_with({digits[0], digits[1], digits[2], digits[3], digits[4], digits[5], digits[6]});
    CAPTURE(shape.sizes);
    CHECK(exact_rank(shape) <= shape.rank);
  }
}

TEST_CASE("the numeric rank equals the bound at unpadded power-of-two sizes") {
  for (int code = 0; code < 2187; code += 4) {
    Index digits[7];
    for (int i = 0, rest = code; i < 7; ++i, rest /= 3) digits[i] = Index{1} << (rest % 3);
    const LayerShape shape =
        shape_with({digits[0], digits[1], digits[2], digits[3], digits[4], digits[5], digits[6]});
    CAPTURE(shape.sizes);
    CHECK(exact_rank(shape) == shape.rank);
  }
}

TEST_CASE("three small unequal sizes miss the rank bound by a little") {
  struct Case {
    Sizes sizes;
    Count rank;
    Count bound;
  };
  for (const Case& c : {Case{{2, 2, 2, 3, 3, 1, 1}, 7, 8},
                        Case{{3, 3, 2, 4, 4, 1, 1}, 14, 16},
                        Case{{3, 5, 1, 5, 3, 1, 2}, 14, 15}}) {
    CAPTURE(c.sizes);
    const LayerShape shape = shape_with(c.sizes);
    CHECK(shape.rank == c.bound);
    for (const std::uint64_t seed : {0, 1, 2}) CHECK(exact_rank(shape, seed) == c.rank);
  }
}

TEST_CASE("cutting a padded matrix can cost rank") {
  for (const char* name : {"btt3", "btt6"}) {
    const LayerShape shape = resolve(parse_structure(name), 64, 64, {.rounding = Rounding::paper});
    CHECK(shape.rank == 64);
    CHECK(exact_rank(shape) == 61);
  }
}
