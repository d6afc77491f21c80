// Plain loops as in sequence_kernels.cpp. Sums run in the order of features or experts for each
// sample by itself, so no bit depends on the width of the registers.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/mixture_kernels.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "compute/exponential.h"
#include "compute/kernel_tables.h"

namespace einsearch::EINSEARCH_ISA {
namespace {

constexpr Index kSamplesAtATime = 128;  // whose numbers are at hand while rows go by
constexpr Index kRowsAtATime = 4;       // that share a look at each number

constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }

/// The best expert of 16 samples behind those that come before (value, expert) in the order: larger
/// values first, equal ones by expert. In the first round there is none before.
template <typename Scalar>
void next_best(
    BlockView<const Scalar> logits, Index n, Index round, Scalar* value, Scalar* expert) {
  Scalar best[kSampleLanes], which[kSampleLanes];
  for (Index i = 0; i < kSampleLanes; ++i) which[i] = -1;
  for (Index i = 0; i < kSampleLanes; ++i) best[i] = 0;
  for (Index e = 0; e < logits.features; ++e) {
    const Scalar* row = logits.row(e) + n;
    const auto number = static_cast<Scalar>(e);
    for (Index i = 0; i < kSampleLanes; ++i) {
      const bool is_left =
          round == 0 || row[i] < value[i] || (row[i] == value[i] && number > expert[i]);
      const bool is_better = is_left && (which[i] < 0 || row[i] > best[i]);
      best[i] = is_better ? row[i] : best[i];
      which[i] = is_better ? number : which[i];
    }
  }
  for (Index i = 0; i < kSampleLanes; ++i) value[i] = best[i];
  for (Index i = 0; i < kSampleLanes; ++i) expert[i] = which[i];
}

template <typename Scalar>
void choose(BlockView<Scalar> logits,
            BlockView<Scalar> chosen,
            BlockView<Scalar> shares,
            Scalar* log_sum) {
  constexpr Scalar kLowest = -std::numeric_limits<Scalar>::infinity();
  for (Index n = 0; n < logits.padded(); n += kSampleLanes) {
    for (Index e = 0; e < logits.features; ++e) {
      Scalar* row = logits.row(e) + n;
      for (Index i = 0; i < kSampleLanes; ++i) row[i] = row[i] == row[i] ? row[i] : kLowest;
    }
    Scalar value[kSampleLanes], expert[kSampleLanes], largest[kSampleLanes];
    Scalar sum[kSampleLanes] = {};
    for (Index k = 0; k < chosen.features; ++k) {
      next_best<Scalar>(logits, n, k, value, expert);
      Scalar *which = chosen.row(k) + n, *share = shares.row(k) + n;
      for (Index i = 0; i < kSampleLanes; ++i) {
        if (k == 0) largest[i] = value[i];
        which[i] = expert[i];
        share[i] = exp_of_negative(value[i] - largest[i]);
        sum[i] += share[i];
      }
    }
    for (Index k = 0; k < chosen.features; ++k) {
      Scalar* share = shares.row(k) + n;
      for (Index i = 0; i < kSampleLanes; ++i) share[i] /= sum[i];
    }
    Scalar total[kSampleLanes] = {};
    for (Index e = 0; e < logits.features; ++e) {
      Scalar* row = logits.row(e) + n;
      for (Index i = 0; i < kSampleLanes; ++i) {
        row[i] = exp_of_negative(row[i] - largest[i]);
        total[i] += row[i];
      }
    }
    for (Index e = 0; e < logits.features; ++e) {
      Scalar* row = logits.row(e) + n;
      for (Index i = 0; i < kSampleLanes; ++i) row[i] /= total[i];
    }
    for (Index i = 0; i < kSampleLanes; ++i) {
      log_sum[n + i] = static_cast<Scalar>(std::log(static_cast<double>(total[i])) +
                                           static_cast<double>(largest[i]));
    }
  }
}

/// Calls body(first, count, numbers) for up to kSamplesAtATime columns.
template <typename Scalar, typename Body>
void for_each_part(const Scalar* sample, Index samples, const Body& body) {
  std::int32_t numbers[kSamplesAtATime];
  for (Index first = 0; first < samples; first += kSamplesAtATime) {
    const Index count = smaller(kSamplesAtATime, samples - first);
    for (Index i = 0; i < count; ++i) numbers[i] = static_cast<std::int32_t>(sample[first + i]);
    body(first, count, numbers);
  }
}

/// Calls rows.operator()<count>(first) for kRowsAtATime rows, then single ones.
template <typename Rows>
void for_each_group_of_rows(Index features, const Rows& rows) {
  Index f = 0;
  for (; f + kRowsAtATime <= features; f += kRowsAtATime) rows.template operator()<kRowsAtATime>(f);
  for (; f < features; ++f) rows.template operator()<1>(f);
}

/// Keeps the compiler from gather instructions, which take longer than the loads that they are.
inline void load_one_by_one() { asm volatile(""); }

template <typename Scalar>
void gather(BlockView<const Scalar> x, const Scalar* sample, BlockView<Scalar> y) {
  for_each_part(sample, y.samples, [&](Index first, Index count, const std::int32_t* numbers) {
    for_each_group_of_rows(y.features, [&]<Index kRows>(Index f) {
      const Scalar* from = x.row(f);
      Scalar* to = y.row(f) + first;
      for (Index i = 0; i < count; ++i) {
        load_one_by_one();
        const Scalar* column = from + numbers[i];
        for (Index r = 0; r < kRows; ++r) to[r * y.stride + i] = column[r * x.stride];
      }
    });
  });
  for (Index f = 0; f < y.features; ++f) {
    for (Index i = y.samples; i < y.padded(); ++i) y.row(f)[i] = 0;
  }
}

template <typename Scalar>
void scatter(BlockView<const Scalar> x,
             const Scalar* sample,
             const Scalar* weight,
             BlockView<Scalar> y) {
  for_each_part(sample, x.samples, [&](Index first, Index count, const std::int32_t* numbers) {
    for_each_group_of_rows(x.features, [&]<Index kRows>(Index f) {
      const Scalar* from = x.row(f) + first;
      Scalar* to = y.row(f);
      for (Index i = 0; i < count; ++i) {
        load_one_by_one();
        Scalar* column = to + numbers[i];
        const Scalar share = weight == nullptr ? Scalar{1} : weight[first + i];
        for (Index r = 0; r < kRows; ++r)
          column[r * y.stride] = std::fma(share, from[r * x.stride + i], column[r * y.stride]);
      }
    });
  });
}

template <typename Scalar>
void weigh_backward(BlockView<const Scalar> y,
                    const Scalar* weight,
                    BlockView<Scalar> dy,
                    Scalar* dweight) {
  for (Index first = 0; first < y.samples; first += kSamplesAtATime) {
    const Index count = smaller(kSamplesAtATime, y.samples - first);
    Scalar sum[kSamplesAtATime] = {};
    for (Index f = 0; f < y.features; ++f) {
      const Scalar* out = y.row(f) + first;
      Scalar* gradient = dy.row(f) + first;
      for (Index i = 0; i < count; ++i) {
        sum[i] = std::fma(gradient[i], out[i], sum[i]);
        gradient[i] *= weight[first + i];
      }
    }
    for (Index i = 0; i < count; ++i) dweight[first + i] = sum[i];
  }
}

}  // namespace

const MixtureKernels<float> kMixtureFloat = {
    choose<float>, gather<float>, scatter<float>, weigh_backward<float>};
const MixtureKernels<double> kMixtureDouble = {
    choose<double>, gather<double>, scatter<double>, weigh_backward<double>};

}  // namespace einsearch::EINSEARCH_ISA
