#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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
  return is_number ? value : kMissing;
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

double parse_duration(const std::string& text, const std::string& option) {
  const auto refuse = [&] {
    return Error("bad duration",
                 {.where = option,
                  .expected = "a time such as 90s, 45m, 2h, 1d or 1:30:00",
                  .got = "\"" + text + "\""});
  };
  double seconds = 0;
  if (text.find(':') != std::string::npos) {
    std::size_t begin = 0, parts = 0;
    for (; begin <= text.size(); ++parts) {
      const std::size_t end = std::min(text.find(':', begin), text.size());
      const double part = parse_whole(text.substr(begin, end - begin));
      if (!(part >= 0)) throw refuse();
      seconds = 60 * seconds + part;
      begin = end + 1;
    }
    if (parts > 3 || !std::isfinite(seconds)) throw refuse();
    return seconds;
  }
  constexpr std::string_view kUnits = "smhd";
  constexpr std::array<double, 4> kSeconds = {1, 60, 3600, 86400};
  const std::size_t unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  const bool has_unit = unit != std::string_view::npos;
  seconds = parse_whole(has_unit ? text.substr(0, text.size() - 1) : text);
  if (has_unit) seconds *= kSeconds[unit];
  if (!(seconds > 0) || !std::isfinite(seconds)) throw refuse();
  return seconds;
}

double parse_bytes(const std::string& text, const std::string& option) {
  const std::size_t end = text.find_first_not_of("0123456789.eE+");
  std::string unit = end == std::string::npos ? "" : text.substr(end);
  for (const char* suffix : {"iB", "B"}) {
    if (unit.ends_with(suffix)) unit.resize(unit.size() - std::string_view(suffix).size());
  }
  constexpr std::string_view kUnits = "kMGT";
  const std::size_t power = unit.empty() ? 0 : kUnits.find(unit == "K" ? "k" : unit) + 1;
  const double number = parse_whole(text.substr(0, std::min(end, text.size())));
  if (unit.size() > 1 || (power == 0 && !unit.empty()) || !(number > 0) || !std::isfinite(number)) {
    throw Error(
        "bad size",
        {.where = option, .expected = "bytes such as 512M or 4G", .got = "\"" + text + "\""});
  }
  return std::ldexp(number, 10 * static_cast<int>(power));
}

std::vector<double> parse_reals(const std::string& text,
                                const std::string& option,
                                Range<double> range) {
  std::vector<double> values;
  constexpr std::size_t kMost = 1'000'000;
  for (const std::string& item : split_list(text)) {
    const std::size_t dots = item.find("..");
    if (dots == std::string::npos) {
      values.push_back(parse_real(item, option, range));
      continue;
    }
    const std::size_t sign = std::min(item.find_first_of("*+", dots), item.size());
    const double first = parse_real(item.substr(0, dots), option, range);
    const double last = parse_real(item.substr(dots + 2, sign - dots - 2), option, range);
    const bool is_factor = sign < item.size() && item[sign] == '*';
    const double step = sign < item.size() ? parse_real(item.substr(sign + 1), option, range) : 1;
    if (last < first || (is_factor ? !(step > 1 && first > 0) : !(step > 0))) {
      throw Error("bad range",
                  {.where = option,
                   .expected = "A..B, A..B+S or A..B*K, rising",
                   .got = "\"" + item + "\""});
    }
    const double end = last * (1 + 1e-12);  // 1e15..1e16*2 may miss its end by rounding
    double value = first;
    for (Count i = 1; value <= end && values.size() <= kMost; ++i) {
      values.push_back(value);
      value = is_factor ? value * step : first + static_cast<double>(i) * step;
    }
    if (values.size() > kMost) throw Error("too many values", {.where = option, .got = item});
  }
  return values;
}

std::vector<Count> parse_counts(const std::string& text,
                                const std::string& option,
                                Range<Count> range) {
  std::vector<Count> counts;
  for (const std::string& item : split_list(text)) {
    if (item.find("..") == std::string::npos) {
      counts.push_back(parse_count(item, option, range));
      continue;
    }
    for (const double value : parse_reals(item, option, {0, 0x1p62})) {
      const Count count = parse_count(fmt::format("{:.0f}", value), option, range);
      if (counts.empty() || counts.back() != count) counts.push_back(count);
    }
  }
  return counts;
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

std::vector<ModelStructure> parse_model_structures(const std::string& list) {
  std::vector<ModelStructure> models;
  for (const std::string& item : split_list(list)) {
    if (item != "paper") {
      models.push_back(parse_model_structure(item));
      continue;
    }
    for (const Structure& structure : parse_structures(item)) models.push_back({structure});
  }
  return models;
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
