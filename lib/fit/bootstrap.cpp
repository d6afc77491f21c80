#include "fit/bootstrap.h"

#include <algorithm>
#include <atomic>

#include "compute/parallel.h"
#include "fit/quantile.h"

namespace einsearch {
namespace {

// A resample of three seeds holds two different ones on average; from five on it is worth having.
constexpr Count kSeedsToResample = 5;

}  // namespace

Replicates bootstrap(const std::vector<StructureFit>& fits,
                     const NoiseModel& noise,
                     const Refit& refit,
                     const BootstrapOptions& options) {
  Replicates replicates;
  const bool has_many = noise.n_seeds >= kSeedsToResample;
  replicates.kind =
      options.kind.value_or(has_many ? BootstrapKind::runs : BootstrapKind::parametric);
  const bool is_possible = replicates.kind == BootstrapKind::runs || noise.is_measured();
  if (options.n_replicates == 0 || !is_possible) return replicates;
  if (replicates.kind == BootstrapKind::runs) {
    const auto n = static_cast<double>(noise.n_seeds);
    replicates.inflation = n > 1 ? std::sqrt(n / (n - 1)) : 1;
  }
  replicates.centre = refit(resample_centre(fits, noise, replicates.kind));
  replicates.samples.resize(static_cast<std::size_t>(options.n_replicates));
  std::atomic<Count> n_done = 0;
  const Threads threads(options.n_threads);
  threads.for_each(options.n_replicates, [&](Index i) {
    replicates.samples[static_cast<std::size_t>(i)] =
        refit(draw_resamples(fits, noise, replicates.kind, options.seed, i));
    const Count done = ++n_done;
    if (options.on_progress) {
      options.on_progress(static_cast<double>(done) / static_cast<double>(options.n_replicates));
    }
  });
  return replicates;
}

std::vector<double> deviations_of(const Replicates& replicates,
                                  const std::function<double(const FitSample&)>& f) {
  std::vector<double> deviations;
  if (replicates.samples.empty()) return deviations;
  const double centre = f(replicates.centre);
  for (const FitSample& sample : replicates.samples) {
    const double deviation = (f(sample) - centre) * replicates.inflation;
    deviations.push_back(std::isfinite(deviation) ? deviation : kMissing);
  }
  return deviations;
}

Estimate with_deviations(double value, const std::vector<double>& deviations) {
  Estimate estimate{.value = value};
  std::vector<double> finite;
  for (const double deviation : deviations) {
    if (std::isfinite(deviation)) finite.push_back(deviation);
  }
  const bool is_enough = finite.size() >= 2 && 10 * finite.size() >= 9 * deviations.size();
  if (!std::isfinite(value) || !is_enough) return estimate;
  const auto n = static_cast<double>(finite.size());
  double mean = 0, squares = 0;
  for (const double deviation : finite) mean += deviation / n;
  for (const double deviation : finite) squares += (deviation - mean) * (deviation - mean);
  estimate.standard_error = std::sqrt(squares / (n - 1));
  const Interval wide = percentile_interval(finite, 0.95);
  const Interval narrow = percentile_interval(finite, 0.8);
  // f - m is the estimate without bias, and d - m how replicates scatter without theirs.
  const double unbiased = value - 2 * percentile_interval(finite, 0).low;
  estimate.low = unbiased + wide.low;
  estimate.high = unbiased + wide.high;
  estimate.low_80 = unbiased + narrow.low;
  estimate.high_80 = unbiased + narrow.high;
  return estimate;
}

Estimate with_log_deviations(double value, const std::vector<double>& deviations) {
  Estimate estimate = with_deviations(std::log(value), deviations);
  estimate.value = value;
  estimate.standard_error *= value;
  for (double* end : {&estimate.low, &estimate.high, &estimate.low_80, &estimate.high_80}) {
    *end = std::exp(*end);
  }
  return estimate;
}

Estimate widened(const Estimate& law, double scatter) {
  constexpr double kWide = 1.959964, kNarrow = 1.281552;  // normal quantiles
  if (!law.has_interval() || !(scatter > 0)) return law;
  Estimate wide = law;
  const double log_value = std::log(law.value);
  const auto end = [&](double law_end, double quantiles) {
    const double reach = std::hypot(std::log(law_end) - log_value, quantiles * scatter);
    return std::exp(log_value + (law_end < law.value ? -reach : reach));
  };
  wide.low = end(law.low, kWide);
  wide.high = end(law.high, kWide);
  wide.low_80 = end(law.low_80, kNarrow);
  wide.high_80 = end(law.high_80, kNarrow);
  wide.standard_error = law.value * std::hypot(law.standard_error / law.value, scatter);
  return wide;
}

}  // namespace einsearch
