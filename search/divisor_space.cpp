// All integer structures of given widths.
#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "search/enumerate.h"
#include "search/stretches.h"
#include "structure/divisors.h"

namespace einsearch {
namespace {

constexpr double kSteps = 1e6;

double log_ratio(Index n, Index d) {
  return d == 1 ? 0.0 : std::log(static_cast<double>(n)) / std::log(static_cast<double>(d));
}

/// log_d of three sizes as multiples of 1e-6 that add to 1. Both roundings of a theta lead back to
/// the sizes: one step moves a size by d^1e-6.
std::array<double, 3> exponents_of(const Triple& sizes, Index d) {
  if (d == 1) return {0, 1, 0};  // as dense has it
  std::array<double, 3> steps;
  for (std::size_t i = 0; i < 3; ++i) steps[i] = std::nearbyint(log_ratio(sizes[i], d) * kSteps);
  *std::max_element(steps.begin(), steps.end()) += kSteps - (steps[0] + steps[1] + steps[2]);
  return {steps[0] / kSteps, steps[1] / kSteps, steps[2] / kSteps};
}

/// log_d n, to six decimals where that leads back to n.
double rho_of(Index n_rho, Index d) {
  const double exact = log_ratio(n_rho, d);
  const double rounded = std::nearbyint(exact * kSteps) / kSteps;
  return inner_size(rounded, {d, d}) == n_rho ? rounded : exact;
}

Theta theta_of_sizes(const Sizes& s, Index d_in, Index d_out) {
  const std::array<double, 3> input = exponents_of({s.n_alpha, s.n_beta, s.n_gamma}, d_in);
  const std::array<double, 3> output = exponents_of({s.n_delta, s.n_epsilon, s.n_phi}, d_out);
  return {input[0],
          input[1],
          input[2],
          output[0],
          output[1],
          output[2],
          rho_of(s.n_rho, std::min(d_in, d_out))};
}

bool is_plain_dense(const Sizes& s, Index d_in, Index d_out) {
  return s == Sizes{1, d_in, 1, 1, d_out, 1, 1} || s == Sizes{d_in, 1, 1, d_out, 1, 1, 1};
}

/// What all parts share; a part is a triple of divisors on the input side with a stretch of those
/// on the output side.
struct DivisorSpace {
  explicit DivisorSpace(const SpaceOptions& given)
      : options(given),
        widths{given.d_in, given.d_out},
        dense((validate(widths), dense_shape(widths, given.resolve.order))),
        inputs(DivisorTriples(given.d_in).all()),
        outputs(DivisorTriples(given.d_out).all()) {}

  SpaceOptions options;
  Widths widths;
  LayerShape dense;
  std::vector<Triple> inputs;
  std::vector<Triple> outputs;
};

class DivisorPart {
 public:
  DivisorPart(const DivisorSpace& space, const CandidateVisitor& visit)
      : options_(space.options), visit_(visit), widths_(space.widths), dense_(space.dense) {}

  Tally walk(const Triple& input, std::span<const Triple> outputs) {
    for (const Triple& output : outputs) {
      if (!walk_inner(input, output)) break;
    }
    return tally_;
  }

 private:
  bool walk_inner(const Triple& input, const Triple& output) {
    Sizes sizes{input[0], input[1], input[2], output[0], output[1], output[2], 1};
    if (!options_.keep_redundant && !is_kept_of_pair(sizes)) return true;
    const Index useful = std::min(sizes.n_alpha * sizes.n_delta, sizes.n_beta * sizes.n_epsilon);
    for (sizes.n_rho = 1; sizes.n_rho <= useful; ++sizes.n_rho) {
      const bool is_dense = is_plain_dense(sizes, options_.d_in, options_.d_out);
      const double macs = std::min(approximate_macs(sizes, Order::a_first),
                                   approximate_macs(sizes, Order::b_first));
      if (!is_dense && macs > static_cast<double>(dense_.params)) break;
      if (!offer(sizes, is_dense)) return false;
    }
    return true;
  }

  /// Of sizes and their exchange the one whose theta is canonical. On a side of width 1 exponents
  /// say nothing; the smaller n_alpha, then n_delta, is kept there, which is how dense is written.
  bool is_kept_of_pair(const Sizes& s) const {
    const Sizes exchanged{s.n_beta, s.n_alpha, s.n_gamma, s.n_epsilon, s.n_delta, s.n_phi, s.n_rho};
    const bool is_own = is_canonical(theta_of_sizes(s, options_.d_in, options_.d_out));
    const bool is_other = is_canonical(theta_of_sizes(exchanged, options_.d_in, options_.d_out));
    if (is_own != is_other) return is_own;
    return std::pair(s.n_alpha, s.n_delta) <= std::pair(exchanged.n_alpha, exchanged.n_delta);
  }

  bool offer(const Sizes& sizes, bool is_dense) {
    Candidate candidate;
    candidate.theta = theta_of_sizes(sizes, options_.d_in, options_.d_out);
    if (is_dense) candidate.theta = {0, 1, 0, 0, 1, 0, 0};
    candidate.taxonomy = taxonomy(candidate.theta);
    if (!options_.filters.accepts_theta(candidate)) return true;
    candidate.shape = is_dense ? dense_
                               : einsum_shape(sizes,
                                              unrounded_sizes(candidate.theta, widths_),
                                              widths_,
                                              options_.resolve.order);
    candidate.quality = rounding_quality(candidate.theta, candidate.shape.sizes, widths_);
    if (!options_.filters.accepts_sizes(candidate)) return true;
    ++tally_.kept;
    return visit_(candidate);
  }

  const SpaceOptions& options_;
  const CandidateVisitor& visit_;
  const Widths& widths_;
  const LayerShape& dense_;
  Tally tally_;
};

}  // namespace

Walk divisor_walk(const SpaceOptions& options) {
  constexpr std::size_t kTriplesPerPart = 8;
  const auto space = std::make_shared<const DivisorSpace>(options);
  const Stretches stretches{space->outputs.size(), kTriplesPerPart};
  const std::size_t parts = space->inputs.size() * stretches.count();
  return {parts, [=](std::size_t part, const CandidateVisitor& visit) {
            const auto [begin, end] = stretches[part % stretches.count()];
            const std::span<const Triple> outputs(space->outputs);
            return DivisorPart(*space, visit)
                .walk(space->inputs[part / stretches.count()], outputs.subspan(begin, end - begin));
          }};
}

}  // namespace einsearch
