#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "io/table.h"
#include "structure/catalogue.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

std::string in_words(Range<Count> range) {
  if (range.highest == std::numeric_limits<Count>::max()) {
    return fmt::format("a whole number from {} to 9.2e18", range.lowest);
  }
  return fmt::format("a whole number from {} to {}", range.lowest, range.highest);
}

std::string in_words(Range<double> range) {
  const double largest = std::numeric_limits<double>::max();
  const bool is_open = range.highest >= largest;
  if (range.lowest <= -largest && is_open) return "a finite number";
  if (range.lowest == std::numeric_limits<double>::min() && is_open) return "a number above 0";
  if (is_open) return fmt::format("a number of at least {}", range.lowest);
  return fmt::format("a number from {} to {}", range.lowest, range.highest);
}

/// The whole text as a double, or NaN.
double parse_whole(const std::string& text) {
  double value = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  const bool is_number = error == std::errc() && stop == end && begin != end;
  return is_number ? value : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

Count parse_count(const std::string& text, const std::string& option, Range<Count> range) {
  std::string digits = text;
  std::erase(digits, '_');
  const auto refuse = [&]() -> Error {
    return Error("bad value",
                 {.where = option, .expected = in_words(range), .got = "\"" + text + "\""});
  };
  Count value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_integer =
      error == std::errc() && stop == digits.data() + digits.size() && !digits.empty();
  if (!is_integer) {
    const double real = parse_whole(digits);
    const bool is_whole =
        std::isfinite(real) && std::nearbyint(real) == real && std::abs(real) < 0x1p63;
    if (!is_whole) throw refuse();
    value = static_cast<Count>(real);
  }
  if (value < range.lowest || value > range.highest) throw refuse();
  return value;
}

double parse_real(const std::string& text, const std::string& option, Range<double> range) {
  const double value = parse_whole(text);
  if (!std::isfinite(value) || value < range.lowest || value > range.highest) {
    throw Error("bad value",
                {.where = option, .expected = in_words(range), .got = "\"" + text + "\""});
  }
  return value;
}

CLI::Option* add_count(CLI::App& app,
                       const std::string& name,
                       Count& value,
                       const std::string& description,
                       Range<Count> range) {
  const auto parse = [&value, name, range](const std::string& text) {
    value = parse_count(text, name, range);
  };
  return app.add_option_function<std::string>(name, parse, description)->type_name("N");
}

CLI::Option* add_real(CLI::App& app,
                      const std::string& name,
                      double& value,
                      const std::string& description,
                      Range<double> range) {
  const auto parse = [&value, name, range](const std::string& text) {
    value = parse_real(text, name, range);
  };
  return app.add_option_function<std::string>(name, parse, description)->type_name("X");
}

std::vector<Structure> parse_structures(const std::string& list) {
  std::vector<Structure> structures;
  for (const std::string& item : split_list(list)) {
    if (item != "paper") {
      structures.push_back(parse_structure(item));
      continue;
    }
    for (const NamedTheta& named : paper_structures())
      structures.push_back(parse_structure(named.name));
  }
  return structures;
}

std::vector<std::string> split_list(const std::string& text) {
  const auto continues_item = [&text](std::size_t comma) {
    std::size_t end = comma + 1;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
      ++end;
    return end > comma + 1 && end < text.size() && text[end] == '=';
  };
  std::vector<std::string> items;
  std::string item;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] == ',' && depth == 0 && !continues_item(i)) {
      items.push_back(item);
      item.clear();
    } else {
      item += text[i];
    }
  }
  items.push_back(item);
  return items;
}

}  // namespace einsearch
