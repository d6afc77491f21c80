#include "search/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "structure/fraction.h"

namespace einsearch {
namespace {

constexpr double kTolerance = 1e-9;

struct Operator {
  std::string_view text;
  Comparison comparison;
};

// Longer ones first.
constexpr std::array<Operator, 6> kOperators = {{{"<=", Comparison::at_most},
                                                 {">=", Comparison::at_least},
                                                 {"==", Comparison::equal},
                                                 {"<", Comparison::below},
                                                 {">", Comparison::above},
                                                 {"=", Comparison::equal}}};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Filter parse_filter(std::string_view condition) {
  const std::size_t begin = condition.find_first_of("<>=");
  if (begin == std::string_view::npos) {
    throw Error(
        "bad filter",
        {.expected = "a condition such as omega<=0.5", .got = fmt::format("\"{}\"", condition)});
  }
  const auto found = std::find_if(kOperators.begin(), kOperators.end(), [&](const Operator& op) {
    return condition.substr(begin).starts_with(op.text);
  });
  const std::string_view bound = trim(condition.substr(begin + found->text.size()));
  return {&find_numeric_column(trim(condition.substr(0, begin))),
          found->comparison,
          parse_bound(bound, fmt::format("filter \"{}\"", condition))};
}

}  // namespace

double parse_bound(std::string_view text, const std::string& where) {
  const std::string_view unsigned_text = text.starts_with('+') ? text.substr(1) : text;
  const std::optional<double> value = parse_number_or_fraction(unsigned_text);
  if (value && std::isfinite(*value)) return *value;
  throw Error("bad bound",
              {.where = where,
               .expected = "a finite number or a fraction such as 1/2",
               .got = fmt::format("\"{}\"", text)});
}

AcceptedValues Filter::accepted() const {
  switch (comparison) {
    case Comparison::at_most:
      return {-kInfinity, bound + kTolerance};
    case Comparison::at_least:
      return {bound - kTolerance, kInfinity};
    case Comparison::below:
      return {-kInfinity, std::nextafter(bound - kTolerance, -kInfinity)};
    case Comparison::above:
      return {std::nextafter(bound + kTolerance, kInfinity), kInfinity};
    case Comparison::equal:
      break;
  }
  return {bound - kTolerance, bound + kTolerance};
}

std::vector<Filter> parse_filters(std::string_view text) {
  std::vector<Filter> filters;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    filters.push_back(parse_filter(trim(text.substr(begin, end - begin))));
    begin = end + 1;
  }
  return filters;
}

FilterSet::FilterSet(const std::vector<Filter>& filters) {
  for (const Filter& filter : filters) {
    (filter.column->depends_on_sizes() ? of_sizes_ : of_theta_).push_back(filter);
  }
}

bool FilterSet::accepts_theta(const Candidate& candidate) const {
  return std::all_of(of_theta_.begin(), of_theta_.end(), [&](const Filter& filter) {
    return filter.accepts(candidate);
  });
}

bool FilterSet::accepts_sizes(const Candidate& candidate) const {
  return std::all_of(of_sizes_.begin(), of_sizes_.end(), [&](const Filter& filter) {
    return filter.accepts(candidate);
  });
}

}  // namespace einsearch
