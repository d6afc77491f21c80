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

/// Which samples each expert works on, and the columns for them.
template <typename Scalar>
struct SortedSamples {
  static constexpr Index kN = 83, kExperts = 4;

  /// Expert 2 has no samples; nobody works on samples 32 ... 50.
  static bool works_on(Index e, Index n) {
    return e != 2 && (n < 32 || n > 50) && n * (e + 2) % 7 < 4;
  }

  SortedSamples() : sample(kExperts * 128), weight(random_values<Scalar>(kExperts * 128, 5)) {
    for (Index e = 0; e < kExperts; ++e) {
      Index count = 0;
      for (Index n = 0; n < kN; ++n) {
        if (works_on(e, n)) sample.data()[row_size + count++] = static_cast<Scalar>(n);
      }
      const Index stride = padded_samples(count) + kSampleLanes;
      experts.push_back(
          {row_size, count, stride, sample.data() + row_size, weight.data() + row_size});
      row_size += stride;
    }
  }

  AlignedBuffer<Scalar> sample, weight;
  std::vector<ExpertColumns<Scalar>> experts;
  Index row_size = 0;
};

/// Gather and scatter with and without weights.
template <typename Scalar>
double error_of_sorting() {
  constexpr Index kF = 11, kMore = 2, kN = SortedSamples<Scalar>::kN;
  WorstError worst;
  const SortedSamples<Scalar> own;
  const MixtureKernels<Scalar>& kernels = mixture_kernels<Scalar>();
  const Routes<Scalar> routes = find_routes(own.experts, kN, kernels.lanes);
  const RandomBlock<Scalar> x(kF, kN, 1), start(kF, kN, 2);
  for (const RouteWeights weights : {RouteWeights::none, RouteWeights::own}) {
    // Rows of columns behind those of samples: zero one way, left out the other.
    AlignedBuffer<Scalar> room = random_values<Scalar>((kF + kMore) * own.row_size, 3);
    const ColumnRows<Scalar> columns{room.data(), kF + kMore, 0, kF + kMore};
    RandomBlock<Scalar> sum(kF, kN, 2), more(kF, kN, 2);
    kernels.gather(routes, weights, x.view, columns);
    kernels.scatter(routes, weights, columns, sum.view, Store::overwrite);
    kernels.scatter(routes, weights, columns, more.view, Store::accumulate);
    for (Index f = 0; f < kF + kMore; ++f) {
      std::vector<double> expected(static_cast<std::size_t>(kN), 0);
      for (const ExpertColumns<Scalar>& expert : own.experts) {
        const BlockView<Scalar> block = columns.of(expert);
        for (Index i = 0; i < block.padded(); ++i) {
          const bool is_copy = f < kF && i < expert.count;
          const Index n = is_copy ? static_cast<Index>(expert.sample[i]) : 0;
          const double share = weights == RouteWeights::own && is_copy ? expert.weight[i] : 1;
          const double copy = is_copy ? share * static_cast<double>(x.view.row(f)[n]) : 0;
          worst.see(block.row(f)[i], copy, 4);
          if (is_copy) expected[static_cast<std::size_t>(n)] += share * copy;
        }
      }
      for (Index n = 0; n < kN && f < kF; ++n) {
        const double added = expected[static_cast<std::size_t>(n)];
        worst.see(sum.view.row(f)[n], added, 16);
        worst.see(more.view.row(f)[n], start.view.row(f)[n] + added, 16);
      }
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
