#include "base/random.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace einsearch;

TEST_CASE("Philox4x32-10 gives the published known answers") {
  // Known-answer vectors of the Random123 distribution.
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
        std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a normal draw depends on its index alone") {
  const RandomStream stream(7, StreamId::data);
  std::vector<double> all(11);
  stream.fill_normal<double>(0, all);
  for (std::size_t first = 0; first < all.size(); ++first) {
    std::vector<double> part(all.size() - first);
    stream.fill_normal<double>(first, part);
    for (std::size_t i = 0; i < part.size(); ++i) CHECK(part[i] == all[first + i]);
    CHECK(stream.normal(first) == all[first]);
  }
}

TEST_CASE("normal draws have mean 0, variance 1 and kurtosis 3 within sampling error") {
  const RandomStream stream(1, StreamId::parameters, 3);
  const int n = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.normal(static_cast<std::uint64_t>(i));
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  CHECK(std::abs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(std::abs(fourth / n - 3) < 5 * std::sqrt(96.0 / n));
}

TEST_CASE("seeds, streams and sub-streams give different draws") {
  const double base = RandomStream(0, StreamId::data, 0).normal(0);
  CHECK(RandomStream(1, StreamId::data, 0).normal(0) != base);
  CHECK(RandomStream(std::uint64_t{1} << 32, StreamId::data, 0).normal(0) != base);
  CHECK(RandomStream(0, StreamId::parameters, 0).normal(0) != base);
  CHECK(RandomStream(0, StreamId::data, 1).normal(0) != base);
}
