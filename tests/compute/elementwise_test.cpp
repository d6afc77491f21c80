#include "compute/elementwise.h"

#include <doctest/doctest.h>

#include <cmath>

#include "compute/random_block.h"
#include "gradients.h"

using namespace einsearch;

TEST_CASE("GELU in single precision is within 1e-6 of the exact function, its slope too") {
  const Index samples = 4096;
  RandomBlock<float> x(1, samples, 0), y(1, samples, 0), slope(1, samples, 0);
  for (Index n = 0; n < samples; ++n)
    x.view.data[n] = 24 * (static_cast<float>(n) / samples - 0.5f);
  elementwise<float>().gelu(x.view, y.view, slope.view);
  double worst = 0, worst_slope = 0;
  for (Index n = 0; n < samples; ++n) {
    const double v = x.view.data[n];
    const double probability = 0.5 * std::erfc(-v / std::sqrt(2.0)),
                 density = std::exp(-v * v / 2) / std::sqrt(2 * M_PI);
    worst = std::max(worst, std::abs(y.view.data[n] - v * probability));
    worst_slope = std::max(worst_slope, std::abs(slope.view.data[n] - (probability + v * density)));
  }
  CHECK(worst < 1e-6);
  CHECK(worst_slope < 1e-6);
}

TEST_CASE("GELU of not-a-number is not-a-number, and of huge values finite") {
  RandomBlock<float> x(1, 16, 0), y(1, 16, 0), slope(1, 16, 0);
  x.view.data[0] = std::nanf("");
  x.view.data[1] = 1e30f;
  x.view.data[2] = -1e30f;
  elementwise<float>().gelu(x.view, y.view, slope.view);
  CHECK(std::isnan(y.view.data[0]));
  CHECK(y.view.data[1] == 1e30f);
  CHECK(y.view.data[2] == 0);
}

TEST_CASE("the slope of GELU is its derivative") {
  RandomBlock<double> x(3, 5, 1), y(3, 5, 0), slope(3, 5, 0);
  elementwise<double>().gelu(x.view, y.view, slope.view);
  RandomBlock<double> other(3, 5, 0), unused(3, 5, 0);
  const auto sum = [&] {
    elementwise<double>().gelu(x.view, other.view, unused.view);
    double total = 0;
    for (Index f = 0; f < 3; ++f) {
      for (Index n = 0; n < 5; ++n) total += other.view.row(f)[n];
    }
    return total;
  };
  check_gradient(
      x.memory.span(),
      slope.memory.span(),
      [&] { return sum(); },
      1);  // padding lanes count for nothing
  for (Index f = 0; f < 3; ++f) {
    check_gradient({x.view.row(f), 5}, {slope.view.row(f), 5}, sum);
  }
}

TEST_CASE("layer norm gives mean 0 and variance 1, and its backward is its derivative") {
  const Index features = 7, samples = 5;
  RandomBlock<double> x(features, samples, 1), weights(features, samples, 2);
  AlignedBuffer<double> gain = random_values<double>(features, 3),
                        bias = random_values<double>(features, 4);
  RandomBlock<double> normalised(features, samples, 0), inverse(1, samples, 0),
      y(features, samples, 0);
  const auto loss = [&] {
    elementwise<double>().layer_norm(
        x.view, gain.data(), bias.data(), normalised.view, inverse.view, y.view);
    double total = 0;
    for (Index f = 0; f < features; ++f) {
      for (Index n = 0; n < samples; ++n) total += weights.view.row(f)[n] * y.view.row(f)[n];
    }
    return total;
  };
  loss();
  for (Index n = 0; n < samples; ++n) {
    double mean = 0, square = 0;
    for (Index f = 0; f < features; ++f) {
      mean += normalised.view.row(f)[n] / features;
      square += normalised.view.row(f)[n] * normalised.view.row(f)[n] / features;
    }
    CHECK(std::abs(mean) < 1e-12);
    CHECK(std::abs(square - 1) < 1e-3);
  }
  AlignedBuffer<double> dgain(features), dbias(features);
  RandomBlock<double> dx(features, samples, 0);
  elementwise<double>().layer_norm_backward(normalised.view,
                                            inverse.view,
                                            gain.data(),
                                            weights.view,
                                            dx.view,
                                            Store::overwrite,
                                            dgain.data(),
                                            dbias.data());
  for (Index f = 0; f < features; ++f)
    check_gradient({x.view.row(f), samples}, {dx.view.row(f), samples}, loss);
  check_gradient(gain.span(), dgain.span(), loss);
  check_gradient(bias.span(), dbias.span(), loss);
}

TEST_CASE("a bias gradient sums over samples") {
  const RandomBlock<double> dy(3, 21, 1);
  AlignedBuffer<double> dbias(3);
  elementwise<double>().accumulate_bias_gradient(dy.view, dbias.data());
  for (Index f = 0; f < 3; ++f) {
    double sum = 0;
    for (Index n = 0; n < 21; ++n) sum += dy.view.row(f)[n];
    CHECK(dbias.data()[f] == doctest::Approx(sum));
  }
}
