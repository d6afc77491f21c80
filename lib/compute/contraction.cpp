#include "compute/contraction.h"

#include <algorithm>
#include <tuple>

namespace einsearch {
namespace {

constexpr Index kCachedFeatures = 2048;  // of z, which stay in the cache with some 100 samples
constexpr Index kPartFeatures = 1024;    // where there are more
constexpr Index kShortSum = 16;          // terms; as dear as a number that goes to memory and back
constexpr Index kLeastRows = 32;         // of the first step: what the gradient by x sums at a time

/// Values of phi that go together, when z has so many rows in all and per value of phi.
Index phi_of_part(Index features, Index rows_of_phi, Index phi) {
  if (features <= kCachedFeatures) return phi;
  const Index small_enough = kPartFeatures / (features / phi);
  const Index large_enough = (kLeastRows + rows_of_phi - 1) / rows_of_phi;
  const Index most = std::clamp(std::max(small_enough, large_enough), Index{1}, phi);
  const Index parts = (phi + most - 1) / most;
  return (phi + parts - 1) / parts;
}

}  // namespace

TwoFactorContraction two_factor_contraction(const Sizes& sizes, Order order) {
  const auto [alpha, beta, gamma] = std::tuple(sizes.n_alpha, sizes.n_beta, sizes.n_gamma);
  const auto [delta, epsilon, phi] = std::tuple(sizes.n_delta, sizes.n_epsilon, sizes.n_phi);
  const Index rho = sizes.n_rho;
  const bool is_a_first = order == Order::a_first;

  // The factor applied first sees `own` of the input, makes `made` of the output, and leaves
  // `other` of the input and `rest` of the output to the second.
  const Index own = is_a_first ? alpha : beta, other = is_a_first ? beta : alpha;
  const Index made = is_a_first ? delta : epsilon, rest = is_a_first ? epsilon : delta;
  const Index inner = rho * gamma * other;  // the sum of the second step

  TwoFactorContraction steps;
  steps.first = {.batches = gamma,
                 .rides = other,
                 .rows = phi * made * rho,
                 .inner = own,
                 .x_batch = beta * alpha,
                 .x_ride = is_a_first ? alpha : 1,
                 .x_row = is_a_first ? 1 : alpha,
                 .z_batch = other,
                 .z_ride = 1,
                 .z_row = gamma * other,
                 .w_batch = own,
                 .w_row = gamma * own};
  steps.second = {.batches = phi,
                  .rides = made,
                  .rows = rest,
                  .inner = inner,
                  .x_batch = made * inner,
                  .x_ride = inner,
                  .x_row = 1,
                  .z_batch = epsilon * delta,
                  .z_ride = is_a_first ? 1 : delta,
                  .z_row = is_a_first ? delta : 1,
                  .w_batch = rest * inner,
                  .w_row = inner};
  const Index rows_of_phi = made * rho;
  steps.first.part_rows = phi_of_part(steps.first.z_features(), rows_of_phi, phi) * rows_of_phi;
  return steps;
}

Index TwoFactorContraction::parts() const {
  return (first.rows + first.part_rows - 1) / first.part_rows;
}

Index TwoFactorContraction::part_features() const {
  return first.batches * first.rides * first.part_rows;
}

bool TwoFactorContraction::recomputes_z() const { return parts() > 1 && first.inner <= kShortSum; }

TwoFactorContraction::Part TwoFactorContraction::part(Index index) const {
  const Index begin = index * first.part_rows;
  const Index rows_of_phi = first.rows / second.batches, phi = begin / rows_of_phi;
  Part part{.first = first,
            .second = second,
            .z_row = begin * first.z_row,
            .y_row = phi * second.z_batch,
            .first_weights = begin * first.w_row,
            .second_weights = phi * second.w_batch};
  part.first.rows = part.first.part_rows = std::min(first.part_rows, first.rows - begin);
  part.second.batches = part.first.rows / rows_of_phi;
  return part;
}

}  // namespace einsearch
