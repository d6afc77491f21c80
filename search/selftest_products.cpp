#include <vector>

#include "compute/contraction.h"
#include "compute/random_block.h"
#include "search/selftest_kernels.h"

namespace einsearch {
namespace {

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
        worst.see(out.view.data[i], parts.has_slope ? plain_gelu(z) : z, expected.size);
        if (parts.has_slope) worst.see(slope.view.data[i], plain_gelu_slope(z), expected.size);
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

}  // namespace

template <typename Scalar>
void check_products(const KernelReport& report) {
  const std::string end = std::is_same_v<Scalar, float> ? "_float" : "_double";
  const auto check = [&](const char* name, double worst) {
    report(name + end, worst, kKernelTolerance<Scalar>);
  };
  check("multiply", error_of_multiply<Scalar>());
  check("accumulate_outer", error_of_outer<Scalar>());
  check("forward", error_of_batched<Scalar>(Direction::forward));
  check("backward_input", error_of_batched<Scalar>(Direction::backward_input));
  check("backward_weight", error_of_batched_weight<Scalar>());
}

template void check_products<float>(const KernelReport&);
template void check_products<double>(const KernelReport&);

}  // namespace einsearch
