#include "io/utf8.h"

#include <algorithm>
#include <array>

namespace einsearch {
namespace {

struct Replacement {
  char32_t first, last;  // a range of characters with one text
  std::string_view text;
};

/// Sorted. Letters with accents, U+00C0 to U+017F, are in kLetters.
constexpr std::array kReplacements = {
    Replacement{0x0009, 0x0009, " "},    Replacement{0x000B, 0x000D, "\n"},
    Replacement{0x0085, 0x0085, "\n"},   Replacement{0x00A0, 0x00A0, " "},
    Replacement{0x00A1, 0x00A1, "!"},    Replacement{0x00A2, 0x00A2, "c"},
    Replacement{0x00A3, 0x00A3, "GBP"},  Replacement{0x00A6, 0x00A6, "|"},
    Replacement{0x00A7, 0x00A7, "S."},   Replacement{0x00A9, 0x00A9, "(c)"},
    Replacement{0x00AA, 0x00AA, "a"},    Replacement{0x00AB, 0x00AB, "\""},
    Replacement{0x00AD, 0x00AD, ""},     Replacement{0x00AE, 0x00AE, "(R)"},
    Replacement{0x00B0, 0x00B0, " deg"}, Replacement{0x00B1, 0x00B1, "+/-"},
    Replacement{0x00B2, 0x00B2, "2"},    Replacement{0x00B3, 0x00B3, "3"},
    Replacement{0x00B4, 0x00B4, "'"},    Replacement{0x00B5, 0x00B5, "u"},
    Replacement{0x00B7, 0x00B7, "*"},    Replacement{0x00B9, 0x00B9, "1"},
    Replacement{0x00BA, 0x00BA, "o"},    Replacement{0x00BB, 0x00BB, "\""},
    Replacement{0x00BC, 0x00BC, "1/4"},  Replacement{0x00BD, 0x00BD, "1/2"},
    Replacement{0x00BE, 0x00BE, "3/4"},  Replacement{0x00BF, 0x00BF, "?"},
    Replacement{0x0218, 0x0218, "S"},    Replacement{0x0219, 0x0219, "s"},
    Replacement{0x021A, 0x021A, "T"},    Replacement{0x021B, 0x021B, "t"},
    Replacement{0x02BC, 0x02BC, "'"},    Replacement{0x02C6, 0x02C6, "^"},
    Replacement{0x02DC, 0x02DC, "~"},    Replacement{0x0300, 0x036F, ""},
    Replacement{0x1E9E, 0x1E9E, "SS"},   Replacement{0x2000, 0x200A, " "},
    Replacement{0x200B, 0x200F, ""},     Replacement{0x2010, 0x2012, "-"},
    Replacement{0x2013, 0x2013, "-"},    Replacement{0x2014, 0x2015, "--"},
    Replacement{0x2016, 0x2016, "||"},   Replacement{0x2018, 0x2019, "'"},
    Replacement{0x201A, 0x201A, ","},    Replacement{0x201B, 0x201B, "'"},
    Replacement{0x201C, 0x201F, "\""},   Replacement{0x2020, 0x2021, "+"},
    Replacement{0x2022, 0x2023, "*"},    Replacement{0x2024, 0x2024, "."},
    Replacement{0x2025, 0x2025, ".."},   Replacement{0x2026, 0x2026, "..."},
    Replacement{0x2028, 0x2029, "\n"},   Replacement{0x202A, 0x202E, ""},
    Replacement{0x202F, 0x202F, " "},    Replacement{0x2032, 0x2032, "'"},
    Replacement{0x2033, 0x2033, "\""},   Replacement{0x2039, 0x203A, "'"},
    Replacement{0x203C, 0x203C, "!!"},   Replacement{0x2044, 0x2044, "/"},
    Replacement{0x205F, 0x205F, " "},    Replacement{0x2060, 0x2064, ""},
    Replacement{0x20AC, 0x20AC, "EUR"},  Replacement{0x2116, 0x2116, "No."},
    Replacement{0x2122, 0x2122, "(TM)"}, Replacement{0x2190, 0x2190, "<-"},
    Replacement{0x2192, 0x2192, "->"},   Replacement{0x2212, 0x2212, "-"},
    Replacement{0x2215, 0x2215, "/"},    Replacement{0x2248, 0x2248, "~"},
    Replacement{0x2260, 0x2260, "!="},   Replacement{0x2264, 0x2264, "<="},
    Replacement{0x2265, 0x2265, ">="},   Replacement{0x3000, 0x3000, " "},
    Replacement{0xFB00, 0xFB00, "ff"},   Replacement{0xFB01, 0xFB01, "fi"},
    Replacement{0xFB02, 0xFB02, "fl"},   Replacement{0xFB03, 0xFB03, "ffi"},
    Replacement{0xFB04, 0xFB04, "ffl"},  Replacement{0xFB05, 0xFB06, "st"},
    Replacement{0xFE00, 0xFE0F, ""},     Replacement{0xFEFF, 0xFEFF, ""},
};

/// U+00C0 to U+017F, one after another, each followed by a space.
constexpr char32_t kFirstLetter = 0x00C0, kLastLetter = 0x017F;
constexpr std::string_view kLetters =
    "A A A A A A AE C E E E E I I I I D N O O O O O x O U U U U Y Th ss "
    "a a a a a a ae c e e e e i i i i d n o o o o o / o u u u u y th y "
    "A a A a A a C c C c C c C c D d D d E e E e E e E e E e G g G g "
    "G g G g H h H h I i I i I i I i I i IJ ij J j K k k L l L l L l L "
    "l L l N n N n N n 'n N n O o O o O o OE oe R r R r R r S s S s S s "
    "S s T t T t T t U u U u U u U u U u U u W w Y y Y Z z Z z Z z s ";

constexpr std::array<std::string_view, kLastLetter - kFirstLetter + 1> letters() {
  std::array<std::string_view, kLastLetter - kFirstLetter + 1> texts{};
  std::size_t start = 0;
  for (std::string_view& text : texts) {
    const std::size_t end = kLetters.find(' ', start);
    text = kLetters.substr(start, end - start);
    start = end + 1;
  }
  return texts;
}

/// Printable ASCII, for characters that are wide forms of it.
constexpr std::string_view kAscii =
    "!\"#$%&'()*+,-./"
    "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
constexpr char32_t kFirstWide = 0xFF01, kLastWide = 0xFF5E;

}  // namespace

std::optional<std::string_view> transliterated(char32_t character) {
  static constexpr auto kLetterTexts = letters();
  if (character >= kFirstLetter && character <= kLastLetter)
    return kLetterTexts[character - kFirstLetter];
  if (character >= kFirstWide && character <= kLastWide)
    return kAscii.substr(character - kFirstWide, 1);
  const auto* found = std::lower_bound(
      kReplacements.begin(), kReplacements.end(), character, [](const Replacement& a, char32_t c) {
        return a.last < c;
      });
  if (found == kReplacements.end() || character < found->first) return std::nullopt;
  return found->text;
}

}  // namespace einsearch
