#include "structure/fraction.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace einsearch {
namespace {

constexpr Count kSnapDenominator = 1000;
constexpr double kSnapTolerance = 5e-13;

}  // namespace

Fraction nearest_fraction(double x, Count largest_denominator) {
  const bool is_negative = x < 0;
  const double target = std::abs(x);
  // Convergents p/q of the continued fraction; the last one that fits may be beaten by a
  // semiconvergent.
  Fraction older{0, 1};
  Fraction newer{1, 0};
  double rest = target;
  while (true) {
    const Count digit = static_cast<Count>(std::floor(rest));
    const Count fitting = newer.denominator == 0
                              ? digit
                              : (largest_denominator - older.denominator) / newer.denominator;
    const Count taken = std::min(digit, fitting);
    const Fraction next{older.numerator + taken * newer.numerator,
                        older.denominator + taken * newer.denominator};
    if (taken < digit) {
      const bool is_nearer = std::abs(next.value() - target) < std::abs(newer.value() - target);
      if (is_nearer) newer = next;
      break;
    }
    older = newer;
    newer = next;
    const double fractional = rest - std::floor(rest);
    if (fractional < 1e-12 || newer.value() == target) break;
    rest = 1 / fractional;
    if (rest > 1e15) break;
  }
  if (is_negative) newer.numerator = -newer.numerator;
  return newer;
}

std::string to_string(const Fraction& fraction) {
  if (fraction.denominator == 1) return std::to_string(fraction.numerator);
  return std::to_string(fraction.numerator) + "/" + std::to_string(fraction.denominator);
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_number_or_fraction(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return parse_number(text);
  const auto numerator = parse_number(text.substr(0, slash));
  const auto denominator = parse_number(text.substr(slash + 1));
  if (!numerator || !denominator || *denominator == 0) return std::nullopt;
  return *numerator / *denominator;
}

double snap(double x) {
  const double snapped = nearest_fraction(x, kSnapDenominator).value();
  return std::abs(snapped - x) < kSnapTolerance ? snapped : std::nearbyint(x * 1e12) / 1e12;
}

}  // namespace einsearch
