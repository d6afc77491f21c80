#include "compute/contraction.h"

#include <tuple>

namespace einsearch {

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
  return steps;
}

}  // namespace einsearch
