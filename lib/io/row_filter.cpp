#include "io/row_filter.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace einsearch {
namespace {

using Comparison = RowCondition::Comparison;

struct Symbol {
  std::string_view text;
  Comparison comparison;
};
// Longer ones first.
constexpr Symbol kSymbols[] = {{"!=", Comparison::not_equal},
                               {"<=", Comparison::less_or_equal},
                               {">=", Comparison::greater_or_equal},
                               {"==", Comparison::equal},
                               {"=", Comparison::equal},
                               {"<", Comparison::less},
                               {">", Comparison::greater}};

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty() || stop != text.data() + text.size())
    return std::nullopt;
  return value;
}

template <typename Value>
bool compare(const Value& a, Comparison comparison, const Value& b) {
  switch (comparison) {
    case Comparison::equal:
      return a == b;
    case Comparison::not_equal:
      return a != b;
    case Comparison::less:
      return a < b;
    case Comparison::less_or_equal:
      return a <= b;
    case Comparison::greater:
      return a > b;
    case Comparison::greater_or_equal:
      break;
  }
  return a >= b;
}

}  // namespace

RowCondition parse_condition(const std::string& text, const std::string& option) {
  const std::size_t at = text.find_first_of("!<>=");
  if (at != std::string::npos && at > 0) {
    const std::string_view rest = std::string_view(text).substr(at);
    for (const Symbol& symbol : kSymbols) {
      if (!rest.starts_with(symbol.text)) continue;
      return {text.substr(0, at), symbol.comparison, std::string(rest.substr(symbol.text.size()))};
    }
  }
  throw Error("bad condition",
              {.where = option,
               .expected = "COLUMN, one of = != < <= > >=, and a value, e.g. C<1e21",
               .got = "\"" + text + "\""});
}

RowFilter::RowFilter(const std::vector<RowCondition>& conditions, const CsvReader& csv) {
  for (const RowCondition& condition : conditions) {
    bound_.push_back({condition, csv.require(condition.column)});
  }
}

bool RowFilter::passes(const CsvReader& csv) const {
  for (const Bound& bound : bound_) {
    const RowCondition& condition = bound.condition;
    const auto wanted = number_of(condition.value);
    const auto have = number_of(csv.field(bound.column));
    if (wanted && have) {
      if (!compare(*have, condition.comparison, *wanted)) return false;
      continue;
    }
    const bool is_equality =
        condition.comparison == Comparison::equal || condition.comparison == Comparison::not_equal;
    if (!is_equality) {
      throw Error("not a number",
                  {.where = csv.where() + ", column " + condition.column,
                   .expected = "a number, to be compared with " + condition.value,
                   .got = "\"" + std::string(csv.field(bound.column)) + "\""});
    }
    if (!compare(
            csv.field(bound.column), condition.comparison, std::string_view(condition.value))) {
      return false;
    }
  }
  return true;
}

}  // namespace einsearch
