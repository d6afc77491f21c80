// UTF-8 text as characters, and characters as plain ASCII.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace einsearch {

/// Stands for a byte that is not UTF-8.
inline constexpr char32_t kBadCharacter = 0xFFFD;

/// Decodes one character after another of bytes that arrive in pieces.
class Utf8Decoder {
 public:
  /// Takes one byte and calls put(char32_t) for each character that it completes: none, one, or two
  /// where it shows that those before it were cut short.
  template <typename Put>
  void take(std::uint8_t byte, const Put& put) {
    if (missing_ > 0 && (byte & 0xC0) == 0x80) {
      character_ = character_ << 6 | (byte & 0x3F);
      if (--missing_ == 0) put(is_valid() ? character_ : kBadCharacter);
      return;
    }
    finish(put);
    if (byte < 0x80) {
      put(static_cast<char32_t>(byte));
      return;
    }
    const int length = byte >= 0xF0 && byte < 0xF8 ? 4 : byte >= 0xE0 ? 3 : 2;
    if (byte < 0xC2 || byte >= 0xF5) {
      put(kBadCharacter);
      return;
    }
    character_ = byte & (0xFF >> (length + 1));
    missing_ = length - 1;
    length_ = length;
  }

  /// The end of the text: a character that was cut short is a bad one.
  template <typename Put>
  void finish(const Put& put) {
    if (missing_ > 0) put(kBadCharacter);
    missing_ = 0;
  }

 private:
  bool is_valid() const {  // neither overlong, a surrogate, nor beyond Unicode
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    return character_ >= kLeast[length_] && character_ <= 0x10FFFF &&
           (character_ < 0xD800 || character_ > 0xDFFF);
  }

  char32_t character_ = 0;
  int missing_ = 0;
  int length_ = 0;
};

/// What stands for a character beyond printable ASCII: "e" for e with an accent, "--" for a long
/// dash, "" for what has no width; nothing where there is no such text.
std::optional<std::string_view> transliterated(char32_t character);

}  // namespace einsearch
