// A Gaussian process over theta: what the structures that were trained say of those that were not.
//
// Inputs are the seven exponents and omega, psi, nu, so that structures are near each other where
// either is; the kernel is a squared exponential with one length for the exponents and one for the
// taxonomy. The two factors may change places without changing the layer, so the kernel is the mean
// over both orders, and predictions for theta and its exchange are the same. The mean is a
// constant. Every value has its own error; lengths, scale and a common residual are those of the
// largest marginal likelihood on a grid (Rasmussen and Williams 2006, sections 2.2, 5.4).
#pragma once

#include <memory>
#include <span>

#include "structure/theta.h"

namespace einsearch {

struct SurrogatePoint {
  Theta theta;
  double value = 0;      ///< such as the log of a compute multiplier
  double deviation = 0;  ///< of its error; finite
};

class Surrogate {
 public:
  /// Throws Error for fewer than kFewest points or values that are not finite.
  explicit Surrogate(std::span<const SurrogatePoint> points);
  ~Surrogate();
  Surrogate(Surrogate&&) noexcept;
  Surrogate& operator=(Surrogate&&) noexcept;

  static constexpr std::size_t kFewest = 8;

  struct Guess {
    double mean = 0;
    double deviation = 0;  ///< of the value itself, without errors of measuring it
  };
  Guess at(const Theta& theta) const;

  /// Correlation of the process between two places: 1 for the same, 0 for distant ones.
  double nearness(const Theta& a, const Theta& b) const;

  /// The same process with one more value, its kernel unchanged.
  Surrogate with(const SurrogatePoint& point) const;

  /// Root mean square error of each value as the others predict it, and deviation of the values
  /// about their mean: what guessing that mean would err by.
  double leave_one_out_error() const;
  double spread() const;

 private:
  struct Place;
  struct Kernel;
  struct Process;
  explicit Surrogate(std::unique_ptr<Process> process);
  std::unique_ptr<Process> process_;
};

/// How much larger than `best` a value is expected to turn out, counting smaller ones as nothing.
double expected_improvement(const Surrogate::Guess& guess, double best);

}  // namespace einsearch
