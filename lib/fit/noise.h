// How runs scatter, measured from the runs themselves, and how replicates scatter like them.
//
// The log loss of a run of structure s at its p-th width with seeds k is taken as
//   law + misfit(p) + misfit(s, p) + seed(k) + seed(p, k) + run(s, p, k)
// * Seeds at equal (s, p) tell the last three apart (analysis of variance), the first two of which
//   are shared by the structures that use the seeds, so that they cancel in comparisons.
// * What the widths' mean residuals about the law show beyond that is misfit: of the law's shape
//   (the same for all structures) and of single structures at single widths (a learning rate that
//   suits one width less).
// Neighbouring points of an envelope come from one run, so residuals count once per width.
#pragma once

#include <cstdint>
#include <vector>

#include "fit/structure_fit.h"

namespace einsearch {

/// A variance of log loss and the degrees of freedom of its own estimate (0: not measured).
struct VarianceComponent {
  double variance = 0;
  double degrees_of_freedom = 0;
};

struct NoiseModel {
  VarianceComponent misfit;            ///< of (p): common to all structures
  VarianceComponent structure_misfit;  ///< of (s, p)
  VarianceComponent seed;              ///< of (k)
  VarianceComponent width_seed;        ///< of (p, k)
  VarianceComponent run;               ///< of (s, p, k)
  /// Per structure and run: how far its log loss lies above the mean of its width's seeds.
  std::vector<std::vector<double>> run_deviation;
  Count n_seeds = 1;              ///< fewest sound runs at any width
  bool has_shared_seeds = false;  ///< every structure has the same seeds at every width

  bool is_measured() const {
    return structure_misfit.degrees_of_freedom > 0 || run.degrees_of_freedom > 0;
  }
};

/// Measures noise from fits whose laws are usable. `is_offset_fitted`: E took one of the residuals'
/// degrees of freedom.
NoiseModel measure_noise(const std::vector<StructureFit>& fits, bool is_offset_fitted);

enum class BootstrapKind {
  parametric,  ///< runs are drawn from the noise model, about their width's mean
  runs,        ///< runs are resampled, whole seeds at a time where they are shared
};

/// Replicate `i` of the data, one Resample per structure; depends on (seed, i) alone.
std::vector<Resample> draw_resamples(const std::vector<StructureFit>& fits,
                                     const NoiseModel& noise,
                                     BootstrapKind kind,
                                     std::uint64_t seed,
                                     Index i);

/// What replicates scatter about: each run at its width's mean (parametric), or the data (runs).
std::vector<Resample> resample_centre(const std::vector<StructureFit>& fits,
                                      const NoiseModel& noise,
                                      BootstrapKind kind);

/// Variance of the least of n standard normal numbers.
double variance_of_least(Count n);

}  // namespace einsearch
