// Fractions with small denominators: exponents are written and compared as such.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace einsearch {

struct Fraction {
  Count numerator = 0;
  Count denominator = 1;

  bool operator==(const Fraction&) const = default;
  double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};

/// The fraction nearest to a finite |x| <= 1e6 among those with a denominator up to the given one,
/// in lowest terms (the Stern-Brocot tree walked by continued fractions).
Fraction nearest_fraction(double x, Count largest_denominator);

/// "1/3"; a whole number has no denominator.
std::string to_string(const Fraction& fraction);

/// The whole text as a decimal; nothing for other text.
std::optional<double> parse_number(std::string_view text);

/// A decimal, or two with a slash between ("0.5", "1/3"); nothing for a zero below the line.
std::optional<double> parse_number_or_fraction(std::string_view text);

/// The fraction with a denominator up to 1000 if it equals x to twelve decimals, otherwise x to
/// twelve decimals: takes the rounding errors out of sums of exponents (0.9999999999999999 becomes
/// 1).
double snap(double x);

}  // namespace einsearch
