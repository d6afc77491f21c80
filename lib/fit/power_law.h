// The power law L(C) = E + a (C / C0)^-b: fitted as a straight line of log(L - E) on log(C / C0)
// with E given; C0 is the geometric mean of the computes, so that a and b are nearly independent.
//
// A frontier ends where the largest width begins to win, and that width's runs go on beyond. Where
// the ends of several structures' largest runs were compared (fit/edge.h), the law knows how far
// its own lies off, and follows: times exp(edge_shift) from edge_compute on, in between by a part
// of it that grows with log compute. Inside the fitted range nothing changes.
#pragma once

#include <string>

#include "fit/fit_status.h"
#include "fit/frontier.h"

namespace einsearch {

struct PowerLaw {
  double offset = 0;             ///< E, given
  double prefactor = 0;          ///< a: reducible loss at C0
  double exponent = 0;           ///< b
  double reference_compute = 1;  ///< C0, training FLOPs
  double exponent_stderr = 0;    ///< by least squares; meaningful for independent points only
  double rms_residual = 0;       ///< of log(L - E): relative
  double min_compute = 0;        ///< fitted range
  double max_compute = 0;
  double frontier_excess = 0;  ///< mean log loss of frontier points above the law, which runs touch
  double edge_shift = 0;       ///< of log loss, from edge_compute on
  double edge_compute = 0;     ///< end of the largest runs; 0: unknown
  Count n_points = 0;
  FitStatus status = FitStatus::too_few_points;

  /// A law that falls with compute, whatever else its status says.
  bool is_usable() const {
    return status != FitStatus::too_few_points && status != FitStatus::not_falling;
  }
  /// Decades of compute that the fitted range covers.
  double decades() const;
  /// L(C).
  double loss(double compute) const;
  /// The compute at which the law reaches `loss`; infinity where it never does.
  double compute(double loss) const;

 private:
  double loss_without_edge(double compute) const;
  double compute_without_edge(double loss) const;
};

/// Least squares in logarithms. Losses must exceed `offset`.
PowerLaw fit_power_law(const Frontier& frontier, double offset = 0);

}  // namespace einsearch
