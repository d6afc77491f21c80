#include "compute/contraction.h"

#include "compute/product.h"

namespace einsearch {
namespace {

template <typename Scalar>
MatrixView<Scalar> weight(const BatchedProduct& product, Scalar* w, Index batch) {
  return {w + batch * product.w_batch, product.rows, product.inner, product.w_row, 1};
}

template <typename Scalar>
BlockView<Scalar> input(const BatchedProduct& product,
                        BlockView<Scalar> x,
                        Index batch,
                        Index ride) {
  return x.rows(batch * product.x_batch + ride * product.x_ride, product.inner, product.x_row);
}

template <typename Scalar>
BlockView<Scalar> output(const BatchedProduct& product,
                         BlockView<Scalar> z,
                         Index batch,
                         Index ride) {
  return z.rows(batch * product.z_batch + ride * product.z_ride, product.rows, product.z_row);
}

}  // namespace

template <typename Scalar>
void forward(const BatchedProduct& product,
             const Scalar* w,
             BlockView<const Scalar> x,
             BlockView<Scalar> z) {
  for (Index g = 0; g < product.batches; ++g) {
    for (Index t = 0; t < product.rides; ++t) {
      multiply<Scalar>(weight(product, w, g),
                       input(product, x, g, t),
                       output(product, z, g, t),
                       Store::overwrite);
    }
  }
}

template <typename Scalar>
void backward_input(const BatchedProduct& product,
                    const Scalar* w,
                    BlockView<const Scalar> dz,
                    BlockView<Scalar> dx) {
  for (Index g = 0; g < product.batches; ++g) {
    const MatrixView<const Scalar> transposed = weight(product, w, g).transposed();
    for (Index t = 0; t < product.rides; ++t) {
      multiply<Scalar>(
          transposed, output(product, dz, g, t), input(product, dx, g, t), Store::overwrite);
    }
  }
}

template <typename Scalar>
void backward_weight(const BatchedProduct& product,
                     BlockView<const Scalar> dz,
                     BlockView<const Scalar> x,
                     Scalar* dw) {
  for (Index g = 0; g < product.batches; ++g) {
    for (Index t = 0; t < product.rides; ++t) {
      accumulate_outer<Scalar>(
          output(product, dz, g, t), input(product, x, g, t), weight(product, dw, g));
    }
  }
}

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

BatchedProduct dense_product(Index outputs, Index inputs) {
  return {.rows = outputs, .inner = inputs, .w_batch = outputs * inputs, .w_row = inputs};
}

template void forward<float>(const BatchedProduct&,
                             const float*,
                             BlockView<const float>,
                             BlockView<float>);
template void forward<double>(const BatchedProduct&,
                              const double*,
                              BlockView<const double>,
                              BlockView<double>);
template void backward_input<float>(const BatchedProduct&,
                                    const float*,
                                    BlockView<const float>,
                                    BlockView<float>);
template void backward_input<double>(const BatchedProduct&,
                                     const double*,
                                     BlockView<const double>,
                                     BlockView<double>);
template void backward_weight<float>(const BatchedProduct&,
                                     BlockView<const float>,
                                     BlockView<const float>,
                                     float*);
template void backward_weight<double>(const BatchedProduct&,
                                      BlockView<const double>,
                                      BlockView<const double>,
                                      double*);

}  // namespace einsearch
