#include "structure/naive_layer.h"

namespace einsearch {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Index index_a(const Sizes& s, Index f, Index d, Index r, Index g, Index a) {
  return (((f * s.n_delta + d) * s.n_rho + r) * s.n_gamma + g) * s.n_alpha + a;
}

Index index_b(const Sizes& s, Index f, Index e, Index r, Index g, Index b) {
  return (((f * s.n_epsilon + e) * s.n_rho + r) * s.n_gamma + g) * s.n_beta + b;
}

/// Calls body(f, e, d, r, g, b, a) for every combination.
template <typename Body>
void for_all(const Sizes& s, Body body) {
  for (Index f = 0; f < s.n_phi; ++f)
    for (Index e = 0; e < s.n_epsilon; ++e)
      for (Index d = 0; d < s.n_delta; ++d)
        for (Index r = 0; r < s.n_rho; ++r)
          for (Index g = 0; g < s.n_gamma; ++g)
            for (Index b = 0; b < s.n_beta; ++b)
              for (Index a = 0; a < s.n_alpha; ++a) body(f, e, d, r, g, b, a);
}

}  // namespace

std::vector<double> test_numbers(Index count, Index offset) {
  std::vector<double> numbers;
  for (Index i = 0; i < count; ++i) {
    numbers.push_back(static_cast<double>((7 * i + offset) % 11 - 5));
  }
  return numbers;
}

NaiveLayer make_naive_layer(const LayerShape& shape) {
  const Sizes& s = shape.sizes;
  const Index size_a = shape.is_dense ? shape.d_in * shape.d_out
                                      : s.n_phi * s.n_delta * s.n_rho * s.n_gamma * s.n_alpha;
  const Index size_b = s.n_phi * s.n_epsilon * s.n_rho * s.n_gamma * s.n_beta;
  return {shape, test_numbers(size_a, 1), test_numbers(size_b, 2), test_numbers(s.pad_out(), 3)};
}

std::vector<double> apply(const NaiveLayer& layer, const std::vector<double>& x) {
  const LayerShape& shape = layer.shape;
  const Sizes& s = shape.sizes;
  std::vector<double> input = x;
  input.resize(at(s.pad_in()), 0);
  std::vector<double> output = layer.bias;
  if (shape.is_dense) {
    for (Index o = 0; o < shape.d_out; ++o)
      for (Index i = 0; i < shape.d_in; ++i)
        output[at(o)] += layer.a[at(o * shape.d_in + i)] * input[at(i)];
  } else {
    for_all(s, [&](Index f, Index e, Index d, Index r, Index g, Index b, Index a) {
      output[at((f * s.n_epsilon + e) * s.n_delta + d)] +=
          layer.a[at(index_a(s, f, d, r, g, a))] * layer.b[at(index_b(s, f, e, r, g, b))] *
          input[at((g * s.n_beta + b) * s.n_alpha + a)];
    });
  }
  output.resize(at(shape.d_out), 0);
  return output;
}

Count count_macs(const LayerShape& shape) {
  if (shape.is_dense) return shape.d_in * shape.d_out;
  Sizes without_epsilon = shape.sizes, without_alpha = shape.sizes;
  Sizes without_delta = shape.sizes, without_beta = shape.sizes;
  without_epsilon.n_epsilon = without_alpha.n_alpha = 1;
  without_delta.n_delta = without_beta.n_beta = 1;
  Count count = 0;
  const auto increment = [&count](Index, Index, Index, Index, Index, Index, Index) { ++count; };
  const bool is_a_first = shape.order == Order::a_first;
  // A first: z[f,d,r,g,b] sums over a, then y[f,e,d] over r, g, b. B first: z[f,e,r,g,a] sums over
  // b, then y over r, g, a.
  for_all(is_a_first ? without_epsilon : without_delta, increment);
  for_all(is_a_first ? without_alpha : without_beta, increment);
  return count;
}

}  // namespace einsearch
