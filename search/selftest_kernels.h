// Kernels against plain loops in double.
#pragma once

#include <cmath>
#include <functional>
#include <string>

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

/// Receives the name of a check, its worst error and its tolerance.
using KernelReport = std::function<void(const std::string& check, double worst, double tolerance)>;

/// All kernels of the active instruction set, in float and double.
void check_kernels(const KernelReport& report);

}  // namespace einsearch
