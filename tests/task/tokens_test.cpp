#include "task/tokens.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "base/error.h"
#include "task/task_examples.h"

using namespace einsearch;

namespace {

TokenStream stream_of(std::vector<std::uint8_t> bytes, TokenType type = TokenType::uint8) {
  const auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  return TokenStream(owner, *owner, type);
}

/// 0, 1, 2, ... so that a token says where it stands.
TokenStream counting(int size) {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return stream_of(bytes);
}

TokenTask<float> counting_task(std::uint64_t seed_data = 0) {
  return TokenTask<float>({.name = "tokens",
                           .data = {.training = counting(100),
                                    .held_out = counting(60),
                                    .vocabulary = 256,
                                    .digest = "test"},
                           .window = 7,
                           .seed_data = seed_data,
                           .seed_task = 3});
}

}  // namespace

TEST_CASE("a window's targets are its inputs one token later, for training and held-out alike") {
  const TokenTask<float> task = counting_task();
  for (const Examples<float>& examples : {training(task, 0, 50), held_out(task, 0, 8)}) {
    for (Index n = 0; n < examples.samples(); ++n) {
      for (Index t = 0; t < 7; ++t) {
        CHECK(examples.target(t, n) == examples.input(t, n) + 1);
        CHECK(examples.input(t, n) == examples.input(0, n) + static_cast<float>(t));
      }
    }
  }
}

TEST_CASE("training windows start everywhere, also at both ends of the stream") {
  const Examples<float> examples = training(counting_task(), 0, 3000);
  std::set<float> starts;
  for (Index n = 0; n < examples.samples(); ++n) starts.insert(examples.input(0, n));
  CHECK(starts.size() == 93);  // windows of 8 in 100 tokens
  CHECK(*starts.begin() == 0);
  CHECK(*starts.rbegin() == 92);
}

TEST_CASE("example i is the same however it is asked for, and another seed gives another") {
  const TokenTask<float> task = counting_task();
  const Examples<float> block = training(task, 0, 20);
  for (Index n = 0; n < 20; ++n) CHECK(training(task, n, 1).input(3, 0) == block.input(3, n));
  CHECK(training(counting_task(1), 0, 20).inputs() != block.inputs());
}

TEST_CASE("held-out windows share no target and together hold all that fit") {
  const TokenTask<float> task = counting_task();
  REQUIRE(task.held_out_size() == 8);  // 59 targets, 7 each
  const Examples<float> examples = held_out(task, 0, 8);
  std::set<float> targets;
  for (Index n = 0; n < 8; ++n) {
    for (Index t = 0; t < 7; ++t) targets.insert(examples.target(t, n));
  }
  CHECK(targets.size() == 56);
}

TEST_CASE("two bytes are one token, the low byte first") {
  const TokenStream stream = stream_of({1, 0, 0, 1, 255, 255}, TokenType::uint16);
  CHECK(stream.size() == 3);
  CHECK(stream[0] == 1);
  CHECK(stream[1] == 256);
  CHECK(stream[2] == 65535);
}

TEST_CASE("a token outside the vocabulary is refused with its offset") {
  const TokenStream stream = stream_of({9, 0, 9, 0, 10, 0}, TokenType::uint16);
  CHECK_NOTHROW(validate_tokens(stream, 11, "train.bin"));
  CHECK_THROWS_WITH_AS(
      validate_tokens(stream, 10, "train.bin"),
      "a token outside the vocabulary, train.bin, token 2 (byte 4): expected 0 to 9, got 10",
      Error);
}

TEST_CASE("a stream of T tokens is shorter than a window, one of T + 1 is a window") {
  const auto task = [](int training_size, int held_out_size) {
    return TokenTask<float>({.name = "tokens",
                             .data = {.training = counting(training_size),
                                      .held_out = counting(held_out_size),
                                      .vocabulary = 256,
                                      .digest = ""},
                             .window = 7});
  };
  CHECK_THROWS_AS(task(7, 8), Error);
  CHECK_THROWS_AS(task(8, 7), Error);
  CHECK(training(task(8, 8), 0, 3).target(6, 2) == 7);
}

TEST_CASE("the vocabulary of 96 is newline and printable ASCII, and nothing else") {
  int tokens = 0;
  for (char32_t c = 0; c < 0x3000; ++c) {
    const int token = text_token(c);
    if (token < 0) continue;
    ++tokens;
    CHECK(static_cast<char32_t>(text_character(token)) == c);
  }
  CHECK(tokens == kTextVocabulary);
}
