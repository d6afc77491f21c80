#include "compute/contraction.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>

#include <cmath>
#include <vector>

#include "compute/elementwise.h"
#include "compute/random_block.h"

using namespace einsearch;

namespace {

/// The definition, one loop per index: y[f,e,d] = sum over a, b, g, r of B[f,e,r,g,b] A[f,d,r,g,a]
/// x[g,b,a].
struct Naive {
  Sizes n;
  Index multiply_accumulates_of_product = 0;

  Index a_index(Index f, Index d, Index r, Index g, Index a) const {
    return (((f * n.n_delta + d) * n.n_rho + r) * n.n_gamma + g) * n.n_alpha + a;
  }
  Index b_index(Index f, Index e, Index r, Index g, Index b) const {
    return (((f * n.n_epsilon + e) * n.n_rho + r) * n.n_gamma + g) * n.n_beta + b;
  }
  Index x_index(Index g, Index b, Index a) const { return (g * n.n_beta + b) * n.n_alpha + a; }
  Index y_index(Index f, Index e, Index d) const { return (f * n.n_epsilon + e) * n.n_delta + d; }

  /// Calls visit(A entry, B entry, x row, y row) for every term of the sum.
  template <typename Visit>
  void terms(const Visit& visit) const {
    for (Index f = 0; f < n.n_phi; ++f)
      for (Index e = 0; e < n.n_epsilon; ++e)
        for (Index d = 0; d < n.n_delta; ++d)
          for (Index r = 0; r < n.n_rho; ++r)
            for (Index g = 0; g < n.n_gamma; ++g)
              for (Index b = 0; b < n.n_beta; ++b)
                for (Index a = 0; a < n.n_alpha; ++a)
                  visit(a_index(f, d, r, g, a),
                        b_index(f, e, r, g, b),
                        x_index(g, b, a),
                        y_index(f, e, d));
  }
};

const std::vector<Sizes> kSizes = {
    {2, 3, 5, 7, 2, 3, 2},    // every axis, prime and unequal
    {3, 2, 2, 2, 5, 3, 1},    // no rank axis
    {5, 1, 3, 1, 7, 2, 3},    // block tensor-train
    {4, 3, 1, 2, 5, 1, 1},    // Kronecker
    {4, 3, 1, 2, 5, 1, 3},    // tensor-train
    {11, 1, 1, 1, 13, 1, 4},  // low rank
    {1, 11, 1, 1, 13, 1, 1},  // dense, as a two-factor product
    {17, 1, 2, 1, 19, 2, 1},
};

double relative_error(const std::vector<double>& expected, const auto* got) {
  double scale = 1e-12, worst = 0;
  for (const double value : expected) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::max(worst, std::abs(expected[i] - static_cast<double>(got[i])));
  }
  return worst / scale;
}

}  // namespace

TEST_CASE_TEMPLATE(
    "the contraction and its gradients equal the brute-force loop nest, in both orders",
    Scalar,
    float,
    double) {
  const double tolerance = std::is_same_v<Scalar, float> ? 1e-5 : 1e-13;
  const Index samples = 19;
  for (const Sizes& n : kSizes) {
    const Naive naive{n};
    const Index a_size = n.n_phi * n.n_delta * n.n_rho * n.n_gamma * n.n_alpha;
    const Index b_size = n.n_phi * n.n_epsilon * n.n_rho * n.n_gamma * n.n_beta;
    const AlignedBuffer<Scalar> a = random_values<Scalar>(a_size, 1),
                                b = random_values<Scalar>(b_size, 2);
    const RandomBlock<Scalar> x(n.pad_in(), samples, 3), dy(n.pad_out(), samples, 4);
    const auto zeros = [](Index size) {
      return std::vector<double>(static_cast<std::size_t>(size));
    };
    std::vector<double> y = zeros(n.pad_out() * x.view.stride),
                        dx = zeros(n.pad_in() * x.view.stride);
    std::vector<double> da = zeros(a_size), db = zeros(b_size);
    naive.terms([&](Index ai, Index bi, Index xi, Index yi) {
      const double weight_a = a.data()[ai], weight_b = b.data()[bi];
      for (Index s = 0; s < samples; ++s) {
        const double in = x.view.row(xi)[s], gradient = dy.view.row(yi)[s];
        y[static_cast<std::size_t>(yi * x.view.stride + s)] += weight_a * weight_b * in;
        dx[static_cast<std::size_t>(xi * x.view.stride + s)] += weight_a * weight_b * gradient;
        da[static_cast<std::size_t>(ai)] += weight_b * in * gradient;
        db[static_cast<std::size_t>(bi)] += weight_a * in * gradient;
      }
    });
    for (const Order order : {Order::a_first, Order::b_first}) {
      CAPTURE(n);
      CAPTURE(order);
      const TwoFactorContraction steps = two_factor_contraction(n, order);
      REQUIRE(steps.first.x_features() == n.pad_in());
      REQUIRE(steps.second.x_features() == steps.first.z_features());
      REQUIRE(steps.second.z_features() == n.pad_out());
      const bool is_a_first = order == Order::a_first;
      const Scalar *first = is_a_first ? a.data() : b.data(),
                   *second = is_a_first ? b.data() : a.data();
      AlignedBuffer<Scalar> got_da(a_size), got_db(b_size);
      Scalar *dfirst = is_a_first ? got_da.data() : got_db.data(),
             *dsecond = is_a_first ? got_db.data() : got_da.data();
      RandomBlock<Scalar> z(steps.first.z_features(), samples, 5),
          dz(steps.first.z_features(), samples, 6);
      RandomBlock<Scalar> got_y(n.pad_out(), samples, 7), got_dx(n.pad_in(), samples, 8);
      products<Scalar>().forward(steps.first, first, x.view, z.view, {});
      products<Scalar>().forward(steps.second, second, z.view, got_y.view, {});
      products<Scalar>().backward_weight(steps.second, dy.view, z.view, dsecond);
      products<Scalar>().backward_input(steps.second, second, dy.view, dz.view, {});
      products<Scalar>().backward_weight(steps.first, dz.view, x.view, dfirst);
      products<Scalar>().backward_input(steps.first, first, dz.view, got_dx.view, {});
      CHECK(relative_error(y, got_y.memory.data()) <= tolerance);
      CHECK(relative_error(dx, got_dx.memory.data()) <= tolerance);
      CHECK(relative_error(da, got_da.data()) <= tolerance);
      CHECK(relative_error(db, got_db.data()) <= tolerance);
    }
  }
}

TEST_CASE("what is fused into a product equals the passes one after another") {
  for (const Sizes& n : kSizes) {
    CAPTURE(n);
    const TwoFactorContraction steps = two_factor_contraction(n, Order::a_first);
    const BatchedProduct& product = steps.second;
    const Index samples = 77, inputs = product.x_features(), outputs = product.z_features();
    const AlignedBuffer<double> w =
        random_values<double>(product.batches * product.rows * product.inner, 1);
    const AlignedBuffer<double> bias = random_values<double>(outputs, 2);
    const RandomBlock<double> x(inputs, samples, 3), start(outputs, samples, 4);
    const RandomBlock<double> factor(inputs, samples, 5);
    RandomBlock<double> plain(outputs, samples, 0), sum(outputs, samples, 4);
    RandomBlock<double> activated(outputs, samples, 0), slope(outputs, samples, 0);
    RandomBlock<double> expected(outputs, samples, 0), expected_slope(outputs, samples, 0);
    RandomBlock<double> back(inputs, samples, 0), scaled(inputs, samples, 0);
    const ProductKernels<double>& kernels = products<double>();
    kernels.forward(product, w.data(), x.view, plain.view, {});
    kernels.forward(
        product, w.data(), x.view, sum.view, {.store = Store::accumulate, .bias = bias.data()});
    kernels.forward(
        product, w.data(), x.view, activated.view, {.bias = bias.data(), .slope = slope.view.data});
    kernels.backward_input(product, w.data(), start.view, back.view, {});
    kernels.backward_input(
        product, w.data(), start.view, scaled.view, {.factor = factor.view.data});
    elementwise<double>().add_bias(bias.data(), plain.view);
    elementwise<double>().gelu(plain.view, expected.view, expected_slope.view);
    double worst = 0;
    for (Index s = 0; s < samples; ++s) {
      for (Index f = 0; f < outputs; ++f) {
        const double both = plain.view.row(f)[s] + start.view.row(f)[s];
        worst = std::max(worst, std::abs(sum.view.row(f)[s] - both));
        worst = std::max(worst, std::abs(activated.view.row(f)[s] - expected.view.row(f)[s]));
        worst = std::max(worst, std::abs(slope.view.row(f)[s] - expected_slope.view.row(f)[s]));
      }
      for (Index f = 0; f < inputs; ++f) {
        const double product_of_both = back.view.row(f)[s] * factor.view.row(f)[s];
        worst = std::max(worst, std::abs(scaled.view.row(f)[s] - product_of_both));
      }
    }
    CHECK(worst < 1e-12);
  }
}

TEST_CASE("products of any extents, blocks and remainders included, equal Eigen's") {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  for (const auto& [outputs, inputs] : std::vector<std::pair<Index, Index>>{
           {1, 300}, {300, 1}, {97, 129}, {130, 257}, {200, 260}, {3, 515}}) {
    for (const Index samples : {Index{1}, Index{17}, Index{48}, Index{255}, Index{300}}) {
      CAPTURE(outputs);
      CAPTURE(inputs);
      CAPTURE(samples);
      const AlignedBuffer<float> w = random_values<float>(outputs * inputs, 1);
      const RandomBlock<float> x(inputs, samples, 2), dy(outputs, samples, 3);
      RandomBlock<float> y(outputs, samples, 0), dx(inputs, samples, 0);
      AlignedBuffer<float> dw(outputs * inputs);
      const BatchedProduct product = dense_product(outputs, inputs);
      products<float>().forward(product, w.data(), x.view, y.view, {});
      products<float>().backward_input(product, w.data(), dy.view, dx.view, {});
      products<float>().backward_weight(product, dy.view, x.view, dw.data());
      const auto matrix = [](const float* data, Index rows, Index columns, Index stride) {
        Matrix copy(rows, columns);
        for (Index r = 0; r < rows; ++r) {
          for (Index c = 0; c < columns; ++c) copy(r, c) = data[r * stride + c];
        }
        return copy;
      };
      const auto block = [&](const RandomBlock<float>& b) {
        return matrix(b.view.data, b.view.features, samples, b.view.stride);
      };
      const auto error = [](const Matrix& got, const Matrix& expected) {
        return (got - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
      };
      const Matrix wide = matrix(w.data(), outputs, inputs, inputs);
      CHECK(error(block(y), wide * block(x)) < 1e-5);
      CHECK(error(block(dx), wide.transpose() * block(dy)) < 1e-5);
      CHECK(error(matrix(dw.data(), outputs, inputs, inputs), block(dy) * block(x).transpose()) <
            1e-5);
    }
  }
}

TEST_CASE("the products' multiply-accumulates are the cost that structures are priced at") {
  for (const Sizes& n : kSizes) {
    for (const Order order : {Order::a_first, Order::b_first}) {
      const TwoFactorContraction steps = two_factor_contraction(n, order);
      const auto macs = [](const BatchedProduct& p) {
        return p.batches * p.rides * p.rows * p.inner;
      };
      CHECK(macs(steps.first) + macs(steps.second) == multiply_accumulates(n, order));
    }
  }
}
