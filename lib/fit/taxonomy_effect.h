// Do three numbers explain a ranking? The regression of log compute multipliers on the taxonomy,
//   log multiplier_s = c_0 + c_omega omega_s + c_psi psi_s + c_nu nu_s + rest_s,
// and its lack of fit. Structures with equal (omega, psi, nu) but different theta, such as a
// structure and its transpose, tell how much the multiplier varies where the three numbers cannot
// (pure error): what the regression leaves beyond that is lack of fit (Draper and Smith 1998, 2.1).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "fit/estimate.h"
#include "fit/ranking.h"

namespace einsearch {

struct TaxonomyPoint {
  Taxonomy taxonomy;
  double log_multiplier = 0;
  double standard_error = kMissing;  ///< of log multiplier, by the bootstrap; missing: unknown
};

struct TaxonomyEffect {
  std::vector<std::string> terms = {};      ///< constant, omega, psi, nu
  std::vector<Estimate> coefficients = {};  ///< one per term; missing where the term cannot be told
  Count n_structures = 0;
  Count n_parameters = 0;
  double r_squared = kMissing;
  double adjusted_r_squared = kMissing;
  double residual_deviation = kMissing;  ///< root of residual squares over degrees of freedom
  double noise_deviation = kMissing;     ///< root mean square of the multipliers' standard errors
  Count n_repeated = 0;                  ///< structures that share their three numbers with another
  Count pure_degrees = 0;
  double pure_deviation = kMissing;  ///< between structures of equal numbers
  Count lack_degrees = 0;
  double lack_of_fit_f = kMissing;
  double lack_of_fit_p = kMissing;  ///< P(F as large) if the three numbers sufficed
};

/// Least squares; intervals by Student's t. Terms that do not vary, or that others determine, are
/// missing. Throws Error with fewer than three structures.
TaxonomyEffect explain_by_taxonomy(std::span<const TaxonomyPoint> points);

/// The structures of a ranking that have a multiplier and a taxonomy.
std::vector<TaxonomyPoint> taxonomy_points(const Ranking& ranking);

/// What the effect says, in one line.
std::string describe_effect(const TaxonomyEffect& effect);

}  // namespace einsearch
