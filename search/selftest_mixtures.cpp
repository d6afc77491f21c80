// The passes of mixtures of experts against plain loops in double, as
// lib/compute/mixture_kernels.h states them.
#include <algorithm>
#include <numeric>
#include <vector>

#include "compute/mixture_kernels.h"
#include "compute/random_block.h"
#include "search/selftest_kernels.h"

namespace einsearch {
namespace {

/// Experts by logit, the largest first, equal ones by number.
template <typename Scalar>
std::vector<Index> order_of_experts(BlockView<Scalar> logits, Index n) {
  std::vector<Index> order(static_cast<std::size_t>(logits.features));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return logits.row(a)[n] > logits.row(b)[n];
  });
  return order;
}

template <typename Scalar>
double error_of_choice() {
  constexpr Index kE = 7, kActive = 3, kN = 83;
  WorstError worst;
  RandomBlock<Scalar> before(kE, kN, 1), logits(kE, kN, 1), chosen(kActive, kN, 2),
      shares(kActive, kN, 3), log_sum(1, kN, 4);
  for (Index n = 0; n < kN; n += 5) {  // some ties
    before.view.row(4)[n] = before.view.row(2)[n];
    logits.view.row(4)[n] = logits.view.row(2)[n];
  }
  mixture_kernels<Scalar>().choose(logits.view, chosen.view, shares.view, log_sum.view.data);
  for (Index n = 0; n < kN; ++n) {
    const std::vector<Index> order = order_of_experts(before.view, n);
    const auto power = [&](Index e) {
      return std::exp(static_cast<double>(before.view.row(e)[n]) -
                      static_cast<double>(before.view.row(order[0])[n]));
    };
    double active = 0, all = 0;
    for (Index k = 0; k < kActive; ++k) active += power(order[static_cast<std::size_t>(k)]);
    for (Index e = 0; e < kE; ++e) all += power(e);
    for (Index k = 0; k < kActive; ++k) {
      const Index expert = order[static_cast<std::size_t>(k)];
      worst.see(chosen.view.row(k)[n], static_cast<double>(expert));
      worst.see(shares.view.row(k)[n], power(expert) / active);
    }
    for (Index e = 0; e < kE; ++e) worst.see(logits.view.row(e)[n], power(e) / all);
    const double largest = before.view.row(order[0])[n];
    worst.see(log_sum.view.row(0)[n], std::log(all) + largest, 1 + std::abs(largest));
  }
  return worst.value();
}

/// Gather and scatter with and without weights.
template <typename Scalar>
double error_of_sorting() {
  constexpr Index kF = 11, kMore = 2, kN = 83;
  WorstError worst;
  std::vector<Scalar> sample;  // gaps of one, of a few and of more than a vector
  for (Index n = 0; n < kN; ++n) {
    if ((n < 32 || n > 50) && n * 3 % 7 < 4) sample.push_back(static_cast<Scalar>(n));
  }
  const auto kept = static_cast<Index>(sample.size());
  const AlignedBuffer<Scalar> weight = random_values<Scalar>(kept, 5);
  const MixtureKernels<Scalar>& kernels = mixture_kernels<Scalar>();
  const Routes<Scalar> routes = find_routes(sample.data(), weight.data(), kept, kernels.lanes);
  const RandomBlock<Scalar> x(kF, kN, 1), start(kF, kN, 2);
  for (const RouteWeights weights : {RouteWeights::none, RouteWeights::own}) {
    // Rows of columns behind those of samples: zero one way, left out the other.
    RandomBlock<Scalar> columns(kF + kMore, kept, 3), y(kF, kN, 2);
    kernels.gather(routes, weights, x.view, columns.view);
    kernels.scatter(routes, weights, columns.view, y.view);
    for (Index f = 0; f < kF + kMore; ++f) {
      std::vector<double> expected(static_cast<std::size_t>(kN), 0);
      for (Index i = 0; i < columns.view.padded(); ++i) {
        const bool is_copy = f < kF && i < kept;
        const auto n = is_copy ? static_cast<Index>(sample[static_cast<std::size_t>(i)]) : 0;
        const double share =
            is_copy && weights == RouteWeights::own ? static_cast<double>(weight.data()[i]) : 1;
        const double copy = is_copy ? share * static_cast<double>(x.view.row(f)[n]) : 0;
        worst.see(columns.view.row(f)[i], copy, 4);
        if (is_copy) expected[static_cast<std::size_t>(n)] = share * copy;
      }
      for (Index n = 0; n < kN && f < kF; ++n)
        worst.see(
            y.view.row(f)[n], start.view.row(f)[n] + expected[static_cast<std::size_t>(n)], 16);
    }
  }
  return worst.value();
}

template <typename Scalar>
double error_of_column_dots() {
  constexpr Index kF = 11, kN = 131;  // more columns than go at a time
  WorstError worst;
  const RandomBlock<Scalar> x(kF, kN, 1), y(kF, kN, 3);
  AlignedBuffer<Scalar> dots(padded_samples(kN));
  std::fill_n(dots.data(), kN, Scalar{1});
  mixture_kernels<Scalar>().add_column_dots(x.view, y.view, dots.data());
  for (Index n = 0; n < kN; ++n) {
    double sum = 1;
    for (Index f = 0; f < kF; ++f)
      sum += static_cast<double>(x.view.row(f)[n]) * static_cast<double>(y.view.row(f)[n]);
    worst.see(dots.data()[n], sum, kF);
  }
  return worst.value();
}

}  // namespace

template <typename Scalar>
void check_mixtures(const KernelReport& report) {
  const std::string end = std::is_same_v<Scalar, float> ? "_float" : "_double";
  report("expert_choice" + end, error_of_choice<Scalar>(), kKernelTolerance<Scalar>);
  report("expert_sorting" + end, error_of_sorting<Scalar>(), kKernelTolerance<Scalar>);
  report("expert_dots" + end, error_of_column_dots<Scalar>(), kKernelTolerance<Scalar>);
}

template void check_mixtures<float>(const KernelReport&);
template void check_mixtures<double>(const KernelReport&);

}  // namespace einsearch
