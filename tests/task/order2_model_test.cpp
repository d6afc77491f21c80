#include "task/order2_model.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "base/random.h"
#include "task/markov.h"

using namespace einsearch;

namespace {

TokenStream byte_stream(std::vector<std::uint8_t> bytes) {
  const auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  return TokenStream(owner, *owner, TokenType::uint8);
}

/// Training and held-out streams of `size` tokens from token(stream, i).
template <typename Token>
TokenData data_of(int size, Index vocabulary, const Token& token) {
  std::vector<std::uint8_t> training, held_out;
  for (int i = 0; i < size; ++i) {
    training.push_back(static_cast<std::uint8_t>(token(0, i)));
    held_out.push_back(static_cast<std::uint8_t>(token(1, i)));
  }
  return {byte_stream(training), byte_stream(held_out), vocabulary, "test"};
}

}  // namespace

TEST_CASE("the order-2 model of independent tokens has their entropy") {
  const RandomStream draws(1, StreamId::data);
  const TokenData data = data_of(100000, 7, [&](int stream, int i) {
    return draws.below(7, static_cast<std::uint64_t>(2 * i + stream));
  });
  CHECK(*order2_loss(data) == doctest::Approx(std::log(7.0)).epsilon(0.005));
}

TEST_CASE("the order-2 model of a Markov source approaches its entropy from above") {
  for (const Index order : {1, 2}) {
    const MarkovSource source({.order = order, .seed_task = 1});
    const int size = order == 1 ? 300000 : 1000000;
    std::vector<std::vector<int>> text(2, std::vector<int>(static_cast<std::size_t>(size)));
    for (std::uint32_t stream : {0u, 1u})
      source.sample(RandomStream(2, StreamId::markov_text, stream), 0, text[stream]);
    const double loss = *order2_loss(data_of(size, 96, [&](int stream, int i) {
      return text[static_cast<std::size_t>(stream)][static_cast<std::size_t>(i)];
    }));
    CHECK(loss > source.entropy_rate());
    CHECK(loss < 1.1 * source.entropy_rate());
  }
}

TEST_CASE("the order-2 model knows what two tokens decide") {
  const TokenData data = data_of(5000, 6, [](int, int i) { return i * (i + 1) / 2 % 6; });
  CHECK(*order2_loss(data) < 0.01);
  CHECK(!order2_loss({data.training, data.held_out, 257, ""}).has_value());
}
