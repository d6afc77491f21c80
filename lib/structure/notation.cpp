#include "structure/notation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"
#include "structure/catalogue.h"
#include "structure/fraction.h"
#include "structure/sizes.h"

namespace einsearch {
namespace {

constexpr Theta kDense{0, 1, 0, 0, 1, 0, 0};
constexpr Theta kMonarch{0.5, 0, 0.5, 0, 0.5, 0.5, 0};
constexpr double kDefaultTensorTrainRank = 0.25;
constexpr std::size_t kShortDecimal = 8;  // "0." and six digits
constexpr Count kLargestDenominator = 1000;

Theta low_rank(double rho) { return {1, 0, 0, 0, 1, 0, rho}; }
Theta kronecker(double rho) { return {0.5, 0.5, 0, 0.5, 0.5, 0, rho}; }

Theta monarch(double rho) {
  Theta theta = kMonarch;
  theta.rho = rho;
  return theta;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Index parse_ranks(std::string_view text, const std::string& where) {
  const auto ranks = parse_number(text);
  const bool is_whole = ranks && *ranks >= 1 && *ranks <= static_cast<double>(kLargestWidth) &&
                        std::nearbyint(*ranks) == *ranks;
  if (!is_whole) {
    throw Error("bad rank",
                {.where = where,
                 .expected = fmt::format("a whole number from 1 to {}", kLargestWidth),
                 .got = fmt::format("\"{}\"", text)});
  }
  return static_cast<Index>(*ranks);
}

const std::vector<std::string>& known_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"dense",
                                    "low-rank:R",
                                    "kronecker",
                                    "tt",
                                    "tt:R",
                                    "monarch",
                                    "btt",
                                    "btt:rank=R",
                                    "btt:ranks=K"};
    for (const NamedTheta& named : paper_structures()) all.emplace_back(named.name);
    return all;
  }();
  return names;
}

[[noreturn]] void throw_unknown(std::string_view text) {
  std::string hint = did_you_mean(text, known_names());
  if (hint.empty()) {
    hint =
        "names are dense, low-rank:R, kronecker, tt:R, monarch, btt, btt:rank=R, btt:ranks=K, "
        "btt1 to g2, or theta as (0.5|0|0.5|0|0.5|0.5|0)";
  }
  throw Error("unknown structure", {.got = fmt::format("\"{}\"", text), .hint = hint});
}

/// btt:rank=R or btt:ranks=K, given what follows the colon.
Structure parse_btt(std::string_view text, std::string_view argument) {
  constexpr std::string_view kRank = "rank=";
  constexpr std::string_view kRanks = "ranks=";
  const std::string where = fmt::format("structure \"{}\"", text);
  if (argument.starts_with(kRank)) {
    const double rho = parse_exponent(argument.substr(kRank.size()), where);
    return {"btt:rank=" + exponent_text(rho), monarch(rho)};
  }
  if (argument.starts_with(kRanks)) {
    const Index ranks = parse_ranks(argument.substr(kRanks.size()), where);
    return {"btt:ranks=" + std::to_string(ranks), kMonarch, ranks};
  }
  throw_unknown(text);
}

/// Names with an argument after a colon.
Structure parse_family(std::string_view text, std::size_t colon) {
  const std::string_view name = text.substr(0, colon);
  const std::string_view argument = text.substr(colon + 1);
  const std::string where = fmt::format("structure \"{}\"", text);
  if (name == "btt") return parse_btt(text, argument);
  if (name != "low-rank" && name != "tt") throw_unknown(text);
  const double rho = parse_exponent(argument, where);
  return {fmt::format("{}:{}", name, exponent_text(rho)),
          name == "tt" ? kronecker(rho) : low_rank(rho)};
}

}  // namespace

double parse_exponent(std::string_view text, const std::string& where) {
  const std::optional<double> value = parse_number_or_fraction(trim(text));
  if (!value || !(*value >= 0 && *value <= 1)) {
    throw Error("bad exponent",
                {.where = where,
                 .expected = "a number in [0, 1] such as 0.5 or 1/3",
                 .got = fmt::format("\"{}\"", text)});
  }
  return *value == 0 ? 0 : *value;  // -0 is 0
}

Theta parse_theta(std::string_view text) {
  const std::string where = fmt::format("theta \"{}\"", text);
  std::string_view inner = trim(text);
  if (inner.starts_with('(') != inner.ends_with(')')) {
    throw Error("unbalanced parenthesis", {.where = where});
  }
  if (inner.starts_with('(')) inner = inner.substr(1, inner.size() - 2);
  std::vector<double> exponents;
  std::size_t count = 0;
  for (std::size_t begin = 0; begin <= inner.size(); ++count) {
    const std::size_t end = std::min(inner.find_first_of("|,", begin), inner.size());
    if (exponents.size() < 7) {
      exponents.push_back(parse_exponent(inner.substr(begin, end - begin), where));
    }
    begin = end + 1;
  }
  if (count != 7) {
    throw Error("wrong number of exponents",
                {.where = where,
                 .expected = "7 (alpha|beta|gamma|delta|epsilon|phi|rho)",
                 .got = std::to_string(count)});
  }
  const Theta theta{exponents[0],
                    exponents[1],
                    exponents[2],
                    exponents[3],
                    exponents[4],
                    exponents[5],
                    exponents[6]};
  validate(theta);
  return theta;
}

Structure structure_of(const Theta& theta) {
  if (theta == kDense || theta == exchange_factors(kDense)) {
    return {"dense", kDense, std::nullopt, true};
  }
  return {to_string(theta), theta};
}

Structure parse_structure(std::string_view typed) {
  const std::string_view text = trim(typed);
  if (text.find_first_of("|,(") != std::string_view::npos) return structure_of(parse_theta(text));
  if (text == "dense") return structure_of(kDense);
  if (text == "kronecker") return {"kronecker", kronecker(0)};
  if (text == "monarch") return {"monarch", kMonarch};
  if (text == "btt") return {"btt", kMonarch};
  if (text == "tt") return {"tt", kronecker(kDefaultTensorTrainRank)};
  for (const NamedTheta& named : paper_structures()) {
    if (text == named.name) return {std::string(named.name), named.theta};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) throw_unknown(text);
  return parse_family(text, colon);
}

std::string exponent_text(double exponent) {
  std::string decimal = fmt::format("{}", exponent);
  if (decimal.size() <= kShortDecimal && decimal.find('e') == std::string::npos) return decimal;
  const Fraction fraction = nearest_fraction(exponent, kLargestDenominator);
  return fraction.value() == exponent ? to_string(fraction) : decimal;
}

std::string to_string(const Theta& theta) {
  std::string text = "(";
  for (const double exponent : theta.exponents()) text += exponent_text(exponent) + "|";
  text.back() = ')';
  return text;
}

Structure with_familiar_name(const Structure& structure) {
  if (structure.n_rho) return structure;
  const std::string rho = exponent_text(structure.theta.rho);
  for (const std::string& name : {std::string("dense"),
                                  std::string("kronecker"),
                                  std::string("monarch"),
                                  "low-rank:" + rho,
                                  "tt:" + rho,
                                  "btt:rank=" + rho}) {
    const Structure named = parse_structure(name);
    if (named.theta == structure.theta && named.is_dense == structure.is_dense) return named;
  }
  return structure;
}

}  // namespace einsearch
