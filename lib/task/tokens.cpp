#include "task/tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace einsearch {
namespace {

/// Window number n of the block: tokens start ... start + T of the stream.
template <typename Scalar>
void put_window(const TokenStream& stream,
                Count start,
                Index sample,
                BlockView<Scalar> inputs,
                BlockView<Scalar> targets) {
  for (Index t = 0; t < inputs.features; ++t)
    inputs.row(t)[sample] = static_cast<Scalar>(stream[start + t]);
  for (Index t = 0; t < targets.features; ++t)
    targets.row(t)[sample] = static_cast<Scalar>(stream[start + t + 1]);
}

void require_window(const TokenStream& stream, Index window, const char* which) {
  if (stream.size() > window) return;
  throw Error("the stream is shorter than one window",
              {.where = which,
               .expected = fmt::format("at least {} tokens", window + 1),
               .got = fmt::format("{}", stream.size())});
}

}  // namespace

void validate_tokens(const TokenStream& stream, Index vocabulary, const std::string& where) {
  const Count values = stream.type() == TokenType::uint8 ? 256 : 65536;
  if (vocabulary >= values) return;
  for (Count i = 0; i < stream.size(); ++i) {
    if (stream[i] < vocabulary) continue;
    throw Error(
        "a token outside the vocabulary",
        {.where = fmt::format("{}, token {} (byte {})", where, i, i * bytes_of(stream.type())),
         .expected = fmt::format("0 to {}", vocabulary - 1),
         .got = fmt::format("{}", stream[i])});
  }
}

template <typename Scalar>
TokenTask<Scalar>::TokenTask(const TokenTaskOptions& options)
    : options_(options), starts_(options.seed_data, StreamId::windows) {
  require_window(options.data.training, options.window, "training stream");
  require_window(options.data.held_out, options.window, "held-out stream");
}

template <typename Scalar>
std::optional<double> TokenTask<Scalar>::examples_per_epoch() const {
  return static_cast<double>(options_.data.training.size()) / static_cast<double>(options_.window);
}

template <typename Scalar>
std::optional<Count> TokenTask<Scalar>::held_out_size() const {
  return (options_.data.held_out.size() - 1) / options_.window;
}

template <typename Scalar>
void TokenTask<Scalar>::training_examples(Count first,
                                          BlockView<Scalar> inputs,
                                          BlockView<Scalar> targets) const {
  const auto places = static_cast<std::uint64_t>(options_.data.training.size() - options_.window);
  for (Index n = 0; n < inputs.samples; ++n) {
    const std::uint64_t start = starts_.below(places, static_cast<std::uint64_t>(first + n));
    put_window(options_.data.training, static_cast<Count>(start), n, inputs, targets);
  }
}

template <typename Scalar>
void TokenTask<Scalar>::held_out_examples(Count first,
                                          BlockView<Scalar> inputs,
                                          BlockView<Scalar> targets) const {
  const auto windows = static_cast<std::uint64_t>(*held_out_size());
  const RandomPermutation order(options_.seed_task, 0, windows);
  for (Index n = 0; n < inputs.samples; ++n) {
    const std::uint64_t window = order(static_cast<std::uint64_t>(first + n) % windows);
    put_window(
        options_.data.held_out, static_cast<Count>(window) * options_.window, n, inputs, targets);
  }
}

template class TokenTask<float>;
template class TokenTask<double>;

}  // namespace einsearch
