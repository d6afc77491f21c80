#include <algorithm>
#include <vector>

#include "compute/elementwise.h"
#include "compute/random_block.h"
#include "search/selftest_kernels.h"

namespace einsearch {
namespace {

template <typename Scalar>
double error_of_gelu() {
  constexpr Index kPoints = 1 << 14;
  WorstError worst;
  RandomBlock<Scalar> x(1, kPoints, 1), y(1, kPoints, 2), slope(1, kPoints, 3);
  for (Index n = 0; n < kPoints; ++n)
    x.view.data[n] = static_cast<Scalar>(24 * (static_cast<double>(n) / kPoints - 0.5));
  elementwise<Scalar>().gelu(x.view, y.view, slope.view);
  for (Index n = 0; n < kPoints; ++n) {
    const double value = x.view.data[n];
    worst.see(
        y.view.data[n], plain_gelu(value), std::is_same_v<Scalar, float> ? 1 : 1 + std::abs(value));
    worst.see(slope.view.data[n], plain_gelu_slope(value));
  }
  return worst.value();
}

/// Layer norm and its backward for one sample, as lib/compute/elementwise.h defines them.
struct PlainLayerNorm {
  PlainLayerNorm(const std::vector<double>& x, const std::vector<double>& h)
      : normalised(x), dx(h) {
    const auto count = static_cast<double>(x.size());
    double mean = 0, variance = 0, mean_h = 0, mean_hx = 0;
    for (const double value : x) mean += value / count;
    for (const double value : x) variance += (value - mean) * (value - mean) / count;
    const double scale = 1 / std::sqrt(variance + kLayerNormEpsilon);
    for (double& value : normalised) value = (value - mean) * scale;
    for (std::size_t f = 0; f < x.size(); ++f) {
      mean_h += h[f] / count;
      mean_hx += h[f] * normalised[f] / count;
    }
    for (std::size_t f = 0; f < x.size(); ++f)
      dx[f] = scale * (h[f] - mean_h - normalised[f] * mean_hx);
  }

  std::vector<double> normalised, dx;
};

template <typename Scalar>
double error_of_layer_norm() {
  constexpr Index kF = 37, kN = 83;
  WorstError worst;
  const RandomBlock<Scalar> x(kF, kN, 1), dy(kF, kN, 2), start(kF, kN, 3);
  const AlignedBuffer<Scalar> gain = random_values<Scalar>(kF, 4),
                              bias = random_values<Scalar>(kF, 5);
  RandomBlock<Scalar> normalised(kF, kN, 6), inverse(1, kN, 7), y(kF, kN, 8), dx(kF, kN, 3);
  AlignedBuffer<Scalar> dgain(kF), dbias(kF);
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  pass.layer_norm(x.view, gain.data(), bias.data(), normalised.view, inverse.view, y.view);
  pass.layer_norm_backward(normalised.view,
                           inverse.view,
                           gain.data(),
                           dy.view,
                           dx.view,
                           Store::accumulate,
                           dgain.data(),
                           dbias.data());
  std::vector<double> plain_dgain(kF), plain_dbias(kF), column(kF), h(kF);
  for (Index n = 0; n < kN; ++n) {
    for (Index f = 0; f < kF; ++f) {
      const double dyf = dy.view.row(f)[n], gain_f = gain.data()[f];
      column[static_cast<std::size_t>(f)] = x.view.row(f)[n];
      h[static_cast<std::size_t>(f)] = dyf * gain_f;
    }
    const PlainLayerNorm plain(column, h);
    for (Index f = 0; f < kF; ++f) {
      const auto slot = static_cast<std::size_t>(f);
      const double gain_f = gain.data()[f], bias_f = bias.data()[f], start_f = start.view.row(f)[n];
      worst.see(y.view.row(f)[n], gain_f * plain.normalised[slot] + bias_f, 4);
      worst.see(dx.view.row(f)[n], start_f + plain.dx[slot], 4);
      plain_dgain[slot] += static_cast<double>(dy.view.row(f)[n]) * plain.normalised[slot];
      plain_dbias[slot] += dy.view.row(f)[n];
    }
  }
  for (Index f = 0; f < kF; ++f) {
    worst.see(dgain.data()[f], plain_dgain[static_cast<std::size_t>(f)], kN);
    worst.see(dbias.data()[f], plain_dbias[static_cast<std::size_t>(f)], kN);
  }
  return worst.value();
}

/// The passes that take a line to state: bias and its gradient, product, sum and copy of blocks,
/// rectifier, squared error.
template <typename Scalar>
double error_of_passes() {
  constexpr Index kF = 5, kN = 83;
  WorstError worst;
  const RandomBlock<Scalar> x(kF, kN, 1), start(kF, kN, 2);
  const AlignedBuffer<Scalar> bias = random_values<Scalar>(kF, 3);
  RandomBlock<Scalar> biased(kF, kN, 2), multiplied(kF, kN, 2), added(kF, kN, 2), copied(kF, kN, 4),
      relu(kF, kN, 2), error(kF, kN, 5);
  AlignedBuffer<Scalar> dbias = random_values<Scalar>(kF, 3);
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  pass.add_bias(bias.data(), biased.view);
  pass.accumulate_bias_gradient(x.view, dbias.data());
  pass.multiply_elements(x.view, multiplied.view);
  pass.add(x.view, added.view);
  pass.copy(x.view, copied.view);
  pass.scaled_relu(Scalar{3}, relu.view);
  const double loss = pass.squared_error(x.view, start.view, 0.25, error.view);
  double plain_loss = 0;
  for (Index f = 0; f < kF; ++f) {
    double sum = bias.data()[f];
    for (Index n = 0; n < kN; ++n) {
      const double from = x.view.row(f)[n], to = start.view.row(f)[n];
      worst.see(biased.view.row(f)[n], to + static_cast<double>(bias.data()[f]), 4);
      worst.see(multiplied.view.row(f)[n], from * to, 4);
      worst.see(added.view.row(f)[n], from + to, 4);
      worst.see(copied.view.row(f)[n], from);
      worst.see(relu.view.row(f)[n], 3 * std::max(to, 0.0), 4);
      worst.see(error.view.row(f)[n], 0.5 * (from - to), 4);
      plain_loss += (from - to) * (from - to);
      sum += from;
    }
    worst.see(dbias.data()[f], sum, kN);
  }
  worst.see(loss, plain_loss, plain_loss);
  return worst.value();
}

/// Passes over plain arrays: the optimiser, sums and linear combinations.
template <typename Scalar>
double error_of_arrays() {
  constexpr Index kSize = 1003;
  WorstError worst;
  const AlignedBuffer<Scalar> a = random_values<Scalar>(kSize, 1),
                              b = random_values<Scalar>(kSize, 2);
  AlignedBuffer<Scalar> value = random_values<Scalar>(kSize, 1), first(kSize), second(kSize),
                        sum = random_values<Scalar>(kSize, 1),
                        mix = random_values<Scalar>(kSize, 1), scaled(kSize);
  const ElementwiseKernels<Scalar>& pass = elementwise<Scalar>();
  const AdamWStep step{.rate = 0.1,
                       .decay = 0.5,
                       .beta1 = 0.9,
                       .beta2 = 0.99,
                       .epsilon = 1e-3,
                       .step = 2,
                       .gradient_scale = 0.5};
  pass.adamw(step, kSize, value.data(), b.data(), first.data(), second.data());
  pass.accumulate(b.data(), sum.data(), kSize);
  pass.combine(2.0, b.data(), -0.5, mix.data(), kSize);
  pass.scale_into(3.0, b.data(), scaled.data(), kSize);
  double squares = 0, dot = 0, dot_size = 1;
  for (Index i = 0; i < kSize; ++i) {
    const double p = a.data()[i], g = b.data()[i], half = 0.5 * g;
    const double m = 0.1 * half, v = 0.01 * half * half;
    const double update = 0.1 / (1 - 0.81) * m / (std::sqrt(v) / std::sqrt(1 - 0.9801) + 1e-3);
    worst.see(first.data()[i], m, 4);
    worst.see(second.data()[i], v, 4);
    worst.see(value.data()[i], p - 0.05 * p - update, 4);
    worst.see(sum.data()[i], p + g, 4);
    worst.see(mix.data()[i], 2 * g - 0.5 * p, 4);
    worst.see(scaled.data()[i], 3 * g, 4);
    squares += g * g;
    dot += p * g;
    dot_size += std::abs(p * g);
  }
  worst.see(pass.sum_of_squares(b.data(), kSize), squares, squares);
  worst.see(pass.dot(a.data(), b.data(), kSize), dot, dot_size);
  return worst.value();
}

}  // namespace

template <typename Scalar>
void check_passes(const KernelReport& report) {
  const std::string end = std::is_same_v<Scalar, float> ? "_float" : "_double";
  const auto check = [&](const char* name, double worst) {
    report(name + end, worst, kKernelTolerance<Scalar>);
  };
  check("gelu", error_of_gelu<Scalar>());
  check("layer_norm", error_of_layer_norm<Scalar>());
  check("passes", error_of_passes<Scalar>());
  check("arrays", error_of_arrays<Scalar>());
}

template void check_passes<float>(const KernelReport&);
template void check_passes<double>(const KernelReport&);

}  // namespace einsearch
