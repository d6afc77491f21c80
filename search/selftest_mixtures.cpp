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

/// Gather and scatter with and without weights, and dot products of columns.
template <typename Scalar>
double error_of_sorting() {
  constexpr Index kF = 11, kN = 167, kOwn = 131;  // more samples than go at a time, primes
  WorstError worst;
  const RandomBlock<Scalar> x(kF, kN, 1), start(kF, kN, 2), dy(kF, kOwn, 3);
  RandomBlock<Scalar> own(kF, kOwn, 4), weighted(kF, kN, 2), summed(kF, kN, 2), dout(kF, kOwn, 4);
  const AlignedBuffer<Scalar> weight = random_values<Scalar>(kOwn, 5);
  AlignedBuffer<Scalar> sample(kOwn), dots(kOwn);
  for (Index i = 0; i < kOwn; ++i) sample.data()[i] = static_cast<Scalar>(i * 5 % kN);
  const MixtureKernels<Scalar>& kernels = mixture_kernels<Scalar>();
  kernels.gather(x.view, sample.data(), nullptr, own.view);
  kernels.gather(x.view, sample.data(), weight.data(), dout.view);
  kernels.scatter(own.view, sample.data(), weight.data(), weighted.view);
  kernels.scatter(own.view, sample.data(), nullptr, summed.view);
  std::fill_n(dots.data(), kOwn, Scalar{1});
  kernels.add_column_dots(own.view, dy.view, dots.data());
  std::vector<Index> place(static_cast<std::size_t>(kN), -1);  // of a sample among its own
  for (Index i = 0; i < kOwn; ++i) place[static_cast<std::size_t>(i * 5 % kN)] = i;
  for (Index f = 0; f < kF; ++f) {
    for (Index n = 0; n < kN; ++n) {
      const Index i = place[static_cast<std::size_t>(n)];
      const double from = i < 0 ? 0 : x.view.row(f)[n], before = start.view.row(f)[n];
      if (i >= 0) worst.see(own.view.row(f)[i], from);
      const double share = i < 0 ? 0 : weight.data()[i];
      worst.see(weighted.view.row(f)[n], before + share * from, 4);
      worst.see(summed.view.row(f)[n], before + from, 4);
    }
  }
  for (Index f = 0; f < kF; ++f) {
    for (Index i = kOwn; i < own.view.padded(); ++i) worst.see(own.view.row(f)[i], 0);
  }
  for (Index i = 0; i < kOwn; ++i) {
    double sum = 1;
    for (Index f = 0; f < kF; ++f) {
      const double copy = own.view.row(f)[i];
      sum += copy * static_cast<double>(dy.view.row(f)[i]);
      worst.see(dout.view.row(f)[i], copy * static_cast<double>(weight.data()[i]), 4);
    }
    worst.see(dots.data()[i], sum, kF);
  }
  return worst.value();
}

}  // namespace

template <typename Scalar>
void check_mixtures(const KernelReport& report) {
  const std::string end = std::is_same_v<Scalar, float> ? "_float" : "_double";
  report("expert_choice" + end, error_of_choice<Scalar>(), kKernelTolerance<Scalar>);
  report("expert_sorting" + end, error_of_sorting<Scalar>(), kKernelTolerance<Scalar>);
}

template void check_mixtures<float>(const KernelReport&);
template void check_mixtures<double>(const KernelReport&);

}  // namespace einsearch
