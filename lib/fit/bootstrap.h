// Laws of replicates: what the fits would have been, had the runs come out otherwise.
//
// A replicate changes runs (fit/noise.h), rebuilds every frontier and fits every law again,
// the shared irreducible loss included. An estimate f moves by d = f(replicate) - f(centre). Its
// interval is f - 2 m + [q(t), q(1 - t)], q the quantiles and m the median of d: what biases
// replicates (the least of several noisy runs lies low) biased f alike, and is taken off twice.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "fit/estimate.h"
#include "fit/noise.h"

namespace einsearch {

/// What a replicate, the data, or the centre of the replicates gave, one entry per structure.
struct FitSample {
  std::vector<PowerLaw> laws;
  std::vector<double> last_loss;  ///< mean final loss at the largest width
};

struct Replicates {
  BootstrapKind kind = BootstrapKind::parametric;
  FitSample centre;
  std::vector<FitSample> samples;
  double inflation = 1;  ///< of deviations: resamples of few runs scatter too little
};

struct BootstrapOptions {
  Count n_replicates = 400;
  std::uint64_t seed = 0;
  std::optional<BootstrapKind> kind;  ///< nothing: runs where there are at least five seeds
  int n_threads = 1;
  std::function<void(double)> on_progress;  ///< gets the share that is done; any thread
};

/// Refits one set of frontiers: the laws of the resampled runs.
using Refit = std::function<FitSample(const std::vector<Resample>&)>;

/// No samples where noise was not measured or no replicate is asked for.
Replicates bootstrap(const std::vector<StructureFit>& fits,
                     const NoiseModel& noise,
                     const Refit& refit,
                     const BootstrapOptions& options);

/// Deviations of f over the replicates, in their order; nan where f is not finite.
std::vector<double> deviations_of(const Replicates& replicates,
                                  const std::function<double(const FitSample&)>& f);

/// A value with the standard deviation of its deviations and its intervals; no interval where
/// fewer than nine in ten deviations are finite.
Estimate with_deviations(double value, const std::vector<double>& deviations);

/// The same for a value whose logarithm has these deviations.
Estimate with_log_deviations(double value, const std::vector<double>& deviations);

/// An interval widened by an independent normal deviation of the logarithm, in squares, each side
/// by itself; one without an interval, or a scatter that is not positive, is left as it is.
Estimate widened(const Estimate& law, double scatter);

}  // namespace einsearch
