// Next-token prediction on a long stream of tokens: characters of a text, or the tokens of any
// tokenizer.
//
// An example is a window of T + 1 tokens: inputs are its first T, targets its last T. Training
// windows start anywhere, by counter-based draws; the held-out stream is cut into windows that
// share no target, taken in a fixed random order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/random.h"
#include "task/task.h"

namespace einsearch {

enum class TokenType { uint8, uint16 };

constexpr Count bytes_of(TokenType type) { return type == TokenType::uint8 ? 1 : 2; }

/// A sequence of tokens in memory that someone else owns (a mapped file, a vector): one byte each,
/// or two, little-endian.
class TokenStream {
 public:
  TokenStream() = default;

  /// Bytes of `owner`, which is kept alive. A last half token is left out.
  TokenStream(std::shared_ptr<const void> owner,
              std::span<const std::uint8_t> bytes,
              TokenType type)
      : owner_(std::move(owner)), data_(bytes.data()), type_(type) {
    size_ = static_cast<Count>(bytes.size()) / bytes_of(type);
  }

  Count size() const { return size_; }
  TokenType type() const { return type_; }

  int operator[](Count index) const {
    if (type_ == TokenType::uint8) return data_[index];
    return data_[2 * index] | data_[2 * index + 1] << 8;
  }

 private:
  std::shared_ptr<const void> owner_;
  const std::uint8_t* data_ = nullptr;
  Count size_ = 0;
  TokenType type_ = TokenType::uint8;
};

/// A data set as a task takes it.
struct TokenData {
  TokenStream training;
  TokenStream held_out;
  Index vocabulary = 0;
  std::string digest;  ///< of both streams; stands for the data in a run's identity

  bool operator==(const TokenData& other) const {
    return vocabulary == other.vocabulary && digest == other.digest;
  }
};

/// Throws Error naming `where` and the offset of the first token that is not below `vocabulary`.
void validate_tokens(const TokenStream& stream, Index vocabulary, const std::string& where);

struct TokenTaskOptions {
  std::string name = "text";  ///< or tokens
  TokenData data;
  Index window = 128;           ///< T
  std::uint64_t seed_data = 0;  ///< training windows
  std::uint64_t seed_task = 0;  ///< order of the held-out windows

  bool operator==(const TokenTaskOptions&) const = default;
};

template <typename Scalar>
class TokenTask final : public Task<Scalar> {
 public:
  /// Throws Error where a stream holds less than one window.
  explicit TokenTask(const TokenTaskOptions& options);

  std::string name() const override { return options_.name; }
  Index inputs() const override { return options_.window; }
  Index outputs() const override { return options_.window; }
  Index vocabulary() const override { return options_.data.vocabulary; }
  std::optional<double> examples_per_epoch() const override;
  std::optional<Count> held_out_size() const override;
  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;
  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;

 private:
  TokenTaskOptions options_;
  RandomStream starts_;
};

/// The text task's vocabulary: newline is 0, the printable ASCII characters from space to ~ are 1
/// ... 95.
inline constexpr Index kTextVocabulary = 96;

/// The token of a character, or -1.
constexpr int text_token(char32_t character) {
  if (character == U'\n') return 0;
  return character >= U' ' && character <= U'~' ? static_cast<int>(character - U' ') + 1 : -1;
}

constexpr char text_character(int token) {
  return token == 0 ? '\n' : static_cast<char>(token - 1 + ' ');
}

}  // namespace einsearch
