#include "search/selftest_kernels.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "compute/contraction.h"
#include "compute/elementwise.h"
#include "compute/random_block.h"

namespace einsearch {
namespace {

template <typename Scalar>
constexpr bool kIsFloat = std::is_same_v<Scalar, float>;

template <typename Scalar>
std::string named(const std::string& check) {
  return check + (kIsFloat<Scalar> ? "_float" : "_double");
}

/// Rounding of sums of some hundred terms, relative to the sum of their magnitudes.
template <typename Scalar>
constexpr double kSumTolerance = kIsFloat<Scalar> ? 1e-6 : 2e-15;

/// With the error of GELU on top, which in float is that of a polynomial.
template <typename Scalar>
constexpr double kGeluTolerance = kIsFloat<Scalar> ? 1e-6 : 2e-15;

double gelu(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

double gelu_slope(double x) {
  const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
  return 0.5 * std::erfc(-x / std::numbers::sqrt2) + x * density;
}

constexpr Index kExtents[] = {1, 3, 8, 13, 33, 150};
constexpr Index kSamples[] = {1, 16, 90};

/// Sums in double, with the magnitudes of their terms, one for each number of a block.
struct PlainSums {
  explicit PlainSums(Index size)
      : value(static_cast<std::size_t>(size)), magnitude(static_cast<std::size_t>(size), 1.0) {}

  void add(Index i, double term) {
    value[static_cast<std::size_t>(i)] += term;
    magnitude[static_cast<std::size_t>(i)] += std::abs(term);
  }

  std::vector<double> value, magnitude;
};

template <typename Scalar>
double error_of_multiply() {
  WorstError worst;
  for (const Index rows : kExtents) {
    for (const Index inner : kExtents) {
      for (const Index samples : kSamples) {
        const AlignedBuffer<Scalar> w = random_values<Scalar>(rows * inner, 1);
        const RandomBlock<Scalar> x(inner, samples, 2), start(rows, samples, 3);
        for (const bool is_transposed : {false, true}) {
          const MatrixView<const Scalar> view =
              is_transposed ? MatrixView<const Scalar>{w.data(), rows, inner, 1, rows}
                            : MatrixView<const Scalar>{w.data(), rows, inner, inner, 1};
          RandomBlock<Scalar> added(rows, samples, 3), fresh(rows, samples, 4);
          products<Scalar>().multiply(view, x.view, added.view, Store::accumulate);
          products<Scalar>().multiply(view, x.view, fresh.view, Store::overwrite);
          for (Index m = 0; m < rows; ++m) {
            for (Index n = 0; n < samples; ++n) {
              double sum = 0, size = 1;
              for (Index k = 0; k < inner; ++k) {
                const double weight = view.data[m * view.row_stride + k * view.column_stride];
                const double term = weight * static_cast<double>(x.view.row(k)[n]);
                sum += term;
                size += std::abs(term);
              }
              worst.see(fresh.view.row(m)[n], sum, size);
              worst.see(
                  added.view.row(m)[n], sum + static_cast<double>(start.view.row(m)[n]), size);
            }
          }
        }
      }
    }
  }
  return worst.value();
}

template <typename Scalar>
double error_of_outer() {
  WorstError worst;
  for (const Index rows : kExtents) {
    for (const Index columns : kExtents) {
      for (const Index samples : {Index{1}, Index{90}, Index{300}}) {
        const RandomBlock<Scalar> dz(rows, samples, 1), x(columns, samples, 2);
        const Index stride = columns + 3;  // what lies between the rows must stay as it is
        const AlignedBuffer<Scalar> start = random_values<Scalar>(rows * stride, 5);
        AlignedBuffer<Scalar> dw = random_values<Scalar>(rows * stride, 5);
        products<Scalar>().accumulate_outer(dz.view, x.view, {dw.data(), rows, columns, stride, 1});
        for (Index m = 0; m < rows; ++m) {
          for (Index k = 0; k < stride; ++k) {
            double sum = start.data()[m * stride + k], size = 1;
            for (Index n = 0; n < (k < columns ? samples : 0); ++n) {
              const double term =
                  static_cast<double>(dz.view.row(m)[n]) * static_cast<double>(x.view.row(k)[n]);
              sum += term;
              size += std::abs(term);
            }
            worst.see(dw.data()[m * stride + k], sum, size);
          }
        }
      }
    }
  }
  return worst.value();
}

/// Products as they occur: both steps of contractions with every axis, in both orders while their
/// intermediate is small, and dense ones beyond the kernels' cache blocks.
std::vector<BatchedProduct> batched_products() {
  constexpr Index kLargest = 1000;
  const std::vector<Sizes> sizes = {{2, 3, 5, 7, 2, 3, 2},
                                    {5, 1, 3, 1, 7, 2, 3},
                                    {4, 3, 1, 2, 5, 1, 1},
                                    {11, 1, 1, 1, 13, 1, 4},
                                    {16, 1, 16, 1, 16, 16, 1}};
  std::vector<BatchedProduct> all = {dense_product(110, 140), dense_product(3, 9)};
  for (const Sizes& n : sizes) {
    for (const Order order : {Order::a_first, Order::b_first}) {
      const TwoFactorContraction steps = two_factor_contraction(n, order);
      if (steps.first.z_features() > kLargest) continue;
      all.push_back(steps.first);
      all.push_back(steps.second);
    }
  }
  return all;
}

/// Calls visit(w, x row, z row) for every term of a batched product.
template <typename Visit>
void for_each_term(const BatchedProduct& p, const Visit& visit) {
  for (Index g = 0; g < p.batches; ++g) {
    for (Index t = 0; t < p.rides; ++t) {
      for (Index m = 0; m < p.rows; ++m) {
        for (Index k = 0; k < p.inner; ++k) {
          visit(g * p.w_batch + m * p.w_row + k,
                g * p.x_batch + t * p.x_ride + k * p.x_row,
                g * p.z_batch + t * p.z_ride + m * p.z_row);
        }
      }
    }
  }
}

/// Which parts of an epilogue a case has.
struct EpilogueCase {
  bool accumulates, has_bias, has_factor, has_slope;
};
constexpr EpilogueCase kEpilogues[] = {{false, false, false, false},
                                       {true, true, false, false},
                                       {false, true, false, true},
                                       {false, false, true, false},
                                       {true, true, true, true}};

enum class Direction { forward, backward_input };

/// One product in one direction, with every epilogue.
template <typename Scalar>
class ProductCheck {
 public:
  ProductCheck(const BatchedProduct& product, Direction direction)
      : product_(product),
        is_forward_(direction == Direction::forward),
        outputs_(is_forward_ ? product.z_features() : product.x_features()),
        w_(random_values<Scalar>(product.batches * product.rows * product.inner, 1)),
        bias_(random_values<Scalar>(outputs_, 2)),
        in_(is_forward_ ? product.x_features() : product.z_features(), kN, 3),
        start_(outputs_, kN, 4),
        factor_(outputs_, kN, 5),
        sums_(outputs_ * start_.view.stride) {
    for_each_term(product, [&](Index w, Index x_row, Index z_row) {
      const double weight = w_.data()[w];
      const Scalar* from = in_.view.row(is_forward_ ? x_row : z_row);
      const Index to = (is_forward_ ? z_row : x_row) * start_.view.stride;
      for (Index n = 0; n < kN; ++n) sums_.add(to + n, weight * static_cast<double>(from[n]));
    });
  }

  void see(const EpilogueCase& parts, WorstError& worst) const {
    RandomBlock<Scalar> out(outputs_, kN, 4), slope(outputs_, kN, 6);
    const Epilogue<Scalar> epilogue{
        .store = parts.accumulates ? Store::accumulate : Store::overwrite,
        .bias = parts.has_bias ? bias_.data() : nullptr,
        .factor = parts.has_factor ? factor_.view.data : nullptr,
        .slope = parts.has_slope ? slope.view.data : nullptr};
    const auto kernel =
        is_forward_ ? products<Scalar>().forward : products<Scalar>().backward_input;
    kernel(product_, w_.data(), in_.view, out.view, epilogue);
    for (Index f = 0; f < outputs_; ++f) {
      for (Index n = 0; n < kN; ++n) {
        const Index i = f * out.view.stride + n;
        const Expected expected = expect(f, i, parts);
        const double z = expected.z;
        worst.see(out.view.data[i], parts.has_slope ? gelu(z) : z, expected.size);
        if (parts.has_slope) worst.see(slope.view.data[i], gelu_slope(z), expected.size);
      }
    }
  }

 private:
  static constexpr Index kN = 37;

  struct Expected {
    double z, size;
  };

  Expected expect(Index feature, Index i, const EpilogueCase& parts) const {
    Expected e{sums_.value[static_cast<std::size_t>(i)],
               sums_.magnitude[static_cast<std::size_t>(i)]};
    const auto add = [&e](double term) {
      e.z += term;
      e.size += std::abs(term);
    };
    if (parts.accumulates) add(start_.view.data[i]);
    if (parts.has_bias) add(bias_.data()[feature]);
    if (parts.has_factor) {
      const double scale = factor_.view.data[i];
      e = {e.z * scale, e.size * std::max(1.0, std::abs(scale))};
    }
    return e;
  }

  BatchedProduct product_;
  bool is_forward_;
  Index outputs_;
  AlignedBuffer<Scalar> w_, bias_;
  RandomBlock<Scalar> in_, start_, factor_;
  PlainSums sums_;
};

template <typename Scalar>
double error_of_batched(Direction direction) {
  WorstError worst;
  for (const BatchedProduct& product : batched_products()) {
    const ProductCheck<Scalar> check(product, direction);
    for (const EpilogueCase& parts : kEpilogues) check.see(parts, worst);
  }
  return worst.value();
}

template <typename Scalar>
double error_of_batched_weight() {
  constexpr Index kN = 37;
  WorstError worst;
  for (const BatchedProduct& p : batched_products()) {
    const Index size = p.batches * p.rows * p.inner;
    const RandomBlock<Scalar> dz(p.z_features(), kN, 1), x(p.x_features(), kN, 2);
    const AlignedBuffer<Scalar> start = random_values<Scalar>(size, 3);
    AlignedBuffer<Scalar> dw = random_values<Scalar>(size, 3);
    products<Scalar>().backward_weight(p, dz.view, x.view, dw.data());
    PlainSums sums(size);
    for (Index i = 0; i < size; ++i) sums.add(i, start.data()[i]);
    for_each_term(p, [&](Index wi, Index x_row, Index z_row) {
      for (Index n = 0; n < kN; ++n) {
        sums.add(
            wi,
            static_cast<double>(dz.view.row(z_row)[n]) * static_cast<double>(x.view.row(x_row)[n]));
      }
    });
    for (Index i = 0; i < size; ++i) {
      const auto slot = static_cast<std::size_t>(i);
      worst.see(dw.data()[i], sums.value[slot], sums.magnitude[slot]);
    }
  }
  return worst.value();
}

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
    worst.see(y.view.data[n], gelu(value), kIsFloat<Scalar> ? 1 : 1 + std::abs(value));
    worst.see(slope.view.data[n], gelu_slope(value));
  }
  return worst.value();
}

/// Forward and backward of layer norm with everything that the passes write.
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
  // Padding lanes of a gradient are zero in training, which sums over samples rely on.
  pass.layer_norm_backward(normalised.view,
                           inverse.view,
                           gain.data(),
                           dy.view,
                           dx.view,
                           Store::accumulate,
                           dgain.data(),
                           dbias.data());
  std::vector<double> plain_dgain(kF), plain_dbias(kF);
  for (Index n = 0; n < kN; ++n) {
    double mean = 0, variance = 0, mean_h = 0, mean_hx = 0;
    for (Index f = 0; f < kF; ++f) mean += static_cast<double>(x.view.row(f)[n]) / kF;
    for (Index f = 0; f < kF; ++f)
      variance += std::pow(static_cast<double>(x.view.row(f)[n]) - mean, 2) / kF;
    const double scale = 1 / std::sqrt(variance + kLayerNormEpsilon);
    const auto hat = [&](Index f) {
      return (static_cast<double>(x.view.row(f)[n]) - mean) * scale;
    };
    const auto h = [&](Index f) {
      return static_cast<double>(dy.view.row(f)[n]) * static_cast<double>(gain.data()[f]);
    };
    for (Index f = 0; f < kF; ++f) {
      mean_h += h(f) / kF;
      mean_hx += h(f) * hat(f) / kF;
    }
    for (Index f = 0; f < kF; ++f) {
      const auto slot = static_cast<std::size_t>(f);
      const double dyf = dy.view.row(f)[n];
      const double out =
          static_cast<double>(gain.data()[f]) * hat(f) + static_cast<double>(bias.data()[f]);
      worst.see(y.view.row(f)[n], out, 4);
      worst.see(
          dx.view.row(f)[n],
          static_cast<double>(start.view.row(f)[n]) + scale * (h(f) - mean_h - hat(f) * mean_hx),
          4);
      plain_dgain[slot] += dyf * hat(f);
      plain_dbias[slot] += dyf;
    }
  }
  for (Index f = 0; f < kF; ++f) {
    const auto slot = static_cast<std::size_t>(f);
    worst.see(dgain.data()[f], plain_dgain[slot], kN);
    worst.see(dbias.data()[f], plain_dbias[slot], kN);
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

template <typename Scalar>
void check_kernels_of(const KernelReport& report) {
  const double sum = kSumTolerance<Scalar>;
  report(named<Scalar>("multiply"), error_of_multiply<Scalar>(), sum);
  report(named<Scalar>("accumulate_outer"), error_of_outer<Scalar>(), sum);
  report(named<Scalar>("forward"), error_of_batched<Scalar>(Direction::forward), sum);
  report(named<Scalar>("backward_input"), error_of_batched<Scalar>(Direction::backward_input), sum);
  report(named<Scalar>("backward_weight"), error_of_batched_weight<Scalar>(), sum);
  report(named<Scalar>("gelu"), error_of_gelu<Scalar>(), kGeluTolerance<Scalar>);
  report(named<Scalar>("layer_norm"), error_of_layer_norm<Scalar>(), sum);
  report(named<Scalar>("passes"), error_of_passes<Scalar>(), sum);
  report(named<Scalar>("arrays"), error_of_arrays<Scalar>(), sum);
}

}  // namespace

void check_kernels(const KernelReport& report) {
  check_kernels_of<float>(report);
  check_kernels_of<double>(report);
}

}  // namespace einsearch
