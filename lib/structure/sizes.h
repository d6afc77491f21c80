// From exponents to integers: the sizes of a structure's axes at given widths.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <string_view>

#include "base/types.h"
#include "structure/divisors.h"
#include "structure/theta.h"

namespace einsearch {

struct UnroundedSizes;  // structure/cost.h

struct Sizes {
  Index n_alpha = 1;
  Index n_beta = 1;
  Index n_gamma = 1;
  Index n_delta = 1;
  Index n_epsilon = 1;
  Index n_phi = 1;
  Index n_rho = 1;

  bool operator==(const Sizes&) const = default;

  /// Inputs that factor A sees: the layer pads or cuts d_in to this.
  Index pad_in() const { return n_alpha * n_beta * n_gamma; }
  /// Outputs that the factors make: the layer cuts or pads this to d_out.
  Index pad_out() const { return n_delta * n_epsilon * n_phi; }
};

std::ostream& operator<<(std::ostream& out, const Sizes& sizes);

/// exact: divisors of the widths, so nothing is padded. paper: every power rounded by itself, ties
/// to even, and the layer pads.
enum class Rounding { exact, paper };

const char* to_string(Rounding rounding);
Rounding parse_rounding(std::string_view text);

/// The widths of a layer; a fixed n_rho replaces min(d_in, d_out)^rho.
struct Widths {
  Index d_in = 1;
  Index d_out = 1;
  std::optional<Index> fixed_n_rho = std::nullopt;

  bool operator==(const Widths&) const = default;
};

/// Throws Error unless both widths are in [1, kLargestWidth] and a fixed n_rho is positive.
void validate(const Widths& widths);

/// round(min(d_in, d_out)^rho), ties to even; or the fixed one.
Index inner_size(double rho, const Widths& widths);

/// round(d^x) for every exponent by itself, ties to even, as the published code does.
Sizes paper_sizes(const Theta& theta, const Widths& widths);

/// Ratios of multiply-accumulates closer than this are equal in break_ties().
inline constexpr double kRatioTolerance = 1e-9;

/// The one of several equally near divisor triples per side that layers use: over all pairs, the
/// larger rank bound; then multiply-accumulates nearest in log to those at unrounded sizes (both in
/// their cheaper order); then larger n_gamma, n_alpha, n_epsilon. Without a rule one structure
/// would be several: Monarch at 128 has four answers with ranks from 64 to 128.
Sizes break_ties(std::span<const Triple> inputs,
                 std::span<const Triple> outputs,
                 Index n_rho,
                 const UnroundedSizes& unrounded);

/// Sizes by either rounding. Throws Error for bad widths, not for padding.
Sizes integer_sizes(const Theta& theta, const Widths& widths, Rounding rounding);

/// Relative padding of a side, |pad - d| / d.
double padding(Index padded, Index d);

/// Padding above 15 % on either side is refused.
bool is_padding_accepted(const Sizes& sizes, const Widths& widths);
void validate_padding(const Sizes& sizes, const Widths& widths);

/// How far integers are from exponents.
struct RoundingQuality {
  double rounding_error = 0;  ///< max |log2(n_x / d^x)|, octaves; above 1 the sizes are invalid
  double theta_drift = 0;     ///< max |log_d n_x - x|

  bool operator==(const RoundingQuality&) const = default;
  bool is_valid() const { return rounding_error <= 1 + 1e-9; }
};

/// A fixed n_rho is what was asked for and counts as no error.
RoundingQuality rounding_quality(const Theta& theta, const Sizes& sizes, const Widths& widths);

}  // namespace einsearch
