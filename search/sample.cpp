// Theta drawn uniformly from the continuous space.
#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "search/enumerate.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr double kSteps = 1e6;  // exponents are multiples of 1e-6, so that they print short

/// Spacings of two sorted uniform numbers are uniform on the simplex.
std::array<double, 3> simplex_point(double u, double v) {
  const double first = std::nearbyint(std::min(u, v) * kSteps);
  const double second = std::nearbyint(std::max(u, v) * kSteps);
  return {first / kSteps, (second - first) / kSteps, (kSteps - second) / kSteps};
}

Theta draw_theta(const RandomStream& random, std::uint64_t draw) {
  const auto uniform = [&](std::uint64_t i) { return random.uniform(5 * draw + i); };
  const std::array<double, 3> input = simplex_point(uniform(0), uniform(1));
  const std::array<double, 3> output = simplex_point(uniform(2), uniform(3));
  const double rho = std::nearbyint(uniform(4) * kSteps) / kSteps;
  return {input[0], input[1], input[2], output[0], output[1], output[2], rho};
}

}  // namespace

Tally enumerate_samples(Count count,
                        std::uint64_t seed,
                        const SpaceOptions& options,
                        const CandidateVisitor& visit) {
  constexpr double kDrawsPerCandidate = 1000;
  constexpr double kMoreDraws = 100000;
  const RandomStream random(seed, StreamId::space_sample);
  const WidthResolver resolver(options.d_in, options.d_out, options.resolve);
  const double most_draws = kDrawsPerCandidate * static_cast<double>(count) + kMoreDraws;
  Tally tally;
  for (std::uint64_t draw = 0; tally.kept < count; ++draw) {
    if (static_cast<double>(draw) >= most_draws) break;
    Theta theta = draw_theta(random, draw);
    // Exchanging the factors keeps the uniform measure, so this is uniform over canonical theta.
    if (!options.keep_redundant) theta = canonical(theta);
    const bool may_be_degenerate = options.keep_redundant || options.keep_degenerate;
    if (!may_be_degenerate && is_degenerate(theta)) continue;
    const std::optional<Candidate> candidate = resolver(structure_of(theta));
    if (!candidate) ++tally.invalid;
    if (!candidate || !options.filters.accepts(*candidate)) continue;
    ++tally.kept;
    if (!visit(*candidate)) break;
  }
  return tally;
}

}  // namespace einsearch
