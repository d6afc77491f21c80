// How a fit ended. A status is part of every result: published fits that never left their starting
// point were used for years because nothing said so.
#pragma once

namespace einsearch {

enum class FitStatus {
  converged,
  few_widths,         ///< fitted, but to an untrimmed envelope of one or two widths
  bound_hit,          ///< fitted, but the irreducible loss ended at a bound of its range
  no_curvature,       ///< fitted, but the points do not say where the irreducible loss lies
  max_iter,           ///< the optimiser stopped before it converged
  restarts_disagree,  ///< the two best starts ended at different objectives
  too_few_points,     ///< fewer points than the law needs: no law
  not_falling,        ///< the fitted loss does not fall with compute: no compute for a given loss
};

inline const char* to_string(FitStatus status) {
  switch (status) {
    case FitStatus::converged:
      return "converged";
    case FitStatus::few_widths:
      return "few_widths";
    case FitStatus::bound_hit:
      return "bound_hit";
    case FitStatus::no_curvature:
      return "no_curvature";
    case FitStatus::max_iter:
      return "max_iter";
    case FitStatus::restarts_disagree:
      return "restarts_disagree";
    case FitStatus::too_few_points:
      return "too_few_points";
    case FitStatus::not_falling:
      break;
  }
  return "not_falling";
}

}  // namespace einsearch
