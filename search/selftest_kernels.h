// Kernels against plain loops in double: search/selftest_products.cpp, selftest_passes.cpp and
// selftest_mixtures.cpp.
#pragma once

#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <type_traits>

namespace einsearch {

/// The largest error seen, relative to the size of what was summed. Not-a-number stays.
class WorstError {
 public:
  /// `size`: 1 + the sum of the magnitudes of the terms.
  void see(double got, double expected, double size = 1) {
    const double error = std::abs(got - expected) / size;
    if (!(error <= worst_)) worst_ = std::isnan(worst_) ? worst_ : error;
  }
  double value() const { return worst_; }

 private:
  double worst_ = 0;
};

/// Rounding of sums of some hundred terms, relative to the sum of their magnitudes. GELU stays
/// within it too, which in float is a polynomial.
template <typename Scalar>
inline constexpr double kKernelTolerance = std::is_same_v<Scalar, float> ? 1e-6 : 2e-15;

inline double plain_gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

inline double plain_gelu_slope(double x) {
  const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
  return 0.5 * std::erfc(-x / std::numbers::sqrt2) + x * density;
}

/// Receives the name of a check, its worst error and its tolerance.
using KernelReport = std::function<void(const std::string& check, double worst, double tolerance)>;

/// All products, all element-wise passes, and all passes of mixtures of experts, of the active
/// instruction set; names end in float or double.
template <typename Scalar>
void check_products(const KernelReport& report);
template <typename Scalar>
void check_passes(const KernelReport& report);
template <typename Scalar>
void check_mixtures(const KernelReport& report);

}  // namespace einsearch
