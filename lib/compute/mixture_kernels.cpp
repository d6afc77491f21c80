// Plain loops as in sequence_kernels.cpp, but for copying samples to experts and back: samples are
// transposed to lie together, so that those of one expert are read, and added to, wherever they
// are. Sums run in the order of features or experts for each sample by itself, so no bit depends on
// the width of the registers.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/mixture_kernels.h"

#include <cmath>
#include <limits>

#include "compute/exponential.h"
#include "compute/kernel_tables.h"
#include "compute/simd.h"
#include "compute/transpose.h"

namespace einsearch::EINSEARCH_ISA {
namespace {

constexpr Index kSamplesAtATime = 128;  // whose numbers are at hand while rows go by
constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }
constexpr Index larger(Index a, Index b) { return a > b ? a : b; }

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

template <typename Scalar>
void turn(BlockView<const Scalar> x, TurnedBlock<Scalar> turned) {
  transpose_matrix<Scalar>(
      {x.data, x.features, x.padded(), x.stride, 1}, turned.data, turned.stride);
}

template <typename Scalar>
void turn_back(TurnedBlock<const Scalar> turned, BlockView<Scalar> x) {
  transpose_matrix<Scalar>(
      {turned.data, x.padded(), x.features, turned.stride, 1}, x.data, x.stride);
}

template <typename Scalar>
void gather(TurnedBlock<const Scalar> x,
            const Scalar* sample,
            const Scalar* weight,
            BlockView<Scalar> y) {
  using V = Simd256<Scalar>;
  static constexpr Scalar kZeros[V::kWidth] = {};
  for (Index first = 0; first < y.padded(); first += V::kWidth) {
    const Index count = smaller(V::kWidth, larger(y.samples - first, 0));
    const Scalar* from[V::kWidth] = {};
    Scalar share[V::kWidth] = {};
    for (Index i = 0; i < count; ++i) {
      from[i] = x.sample(static_cast<Index>(sample[first + i]));
      share[i] = weight != nullptr ? weight[first + i] : Scalar{1};
    }
    const typename V::Vector shares = V::load(share);
    Index f = 0;
    for (; f + V::kWidth <= y.features; f += V::kWidth) {
      typename V::Vector rows[V::kWidth];
      V::transpose([&](Index i) { return i < count ? from[i] + f : kZeros; }, rows);
      for (Index j = 0; j < V::kWidth; ++j)
        V::store(y.row(f + j) + first, V::multiply(shares, rows[j]));
    }
    for (; f < y.features; ++f) {
      for (Index i = 0; i < V::kWidth; ++i)
        y.row(f)[first + i] = i < count ? share[i] * from[i][f] : Scalar{0};
    }
  }
}

template <typename Scalar>
void scatter(BlockView<const Scalar> x,
             const Scalar* sample,
             const Scalar* weight,
             TurnedBlock<Scalar> y) {
  using V = Simd256<Scalar>;
  for (Index first = 0; first < x.samples; first += V::kWidth) {
    const Index count = smaller(V::kWidth, x.samples - first);
    Scalar* to[V::kWidth] = {};
    Scalar share[V::kWidth] = {};
    for (Index i = 0; i < count; ++i) {
      to[i] = y.sample(static_cast<Index>(sample[first + i]));
      share[i] = weight != nullptr ? weight[first + i] : Scalar{1};
    }
    Index f = 0;
    for (; f + V::kWidth <= x.features; f += V::kWidth) {
      typename V::Vector columns[V::kWidth];
      V::transpose([&](Index j) { return x.row(f + j) + first; }, columns);
      for (Index i = 0; i < count; ++i)
        V::store(to[i] + f, V::fma(V::broadcast(share + i), columns[i], V::load(to[i] + f)));
    }
    for (; f < x.features; ++f) {
      for (Index i = 0; i < count; ++i)
        to[i][f] = std::fma(share[i], x.row(f)[first + i], to[i][f]);
    }
  }
}

template <typename Scalar>
void add_column_dots(BlockView<const Scalar> x, BlockView<const Scalar> y, Scalar* sum) {
  for (Index first = 0; first < x.samples; first += kSamplesAtATime) {
    const Index count = smaller(kSamplesAtATime, x.samples - first);
    Scalar part[kSamplesAtATime] = {};
    for (Index f = 0; f < x.features; ++f) {
      const Scalar *a = x.row(f) + first, *b = y.row(f) + first;
      for (Index i = 0; i < count; ++i) part[i] = std::fma(a[i], b[i], part[i]);
    }
    for (Index i = 0; i < count; ++i) sum[first + i] += part[i];
  }
}

}  // namespace

const MixtureKernels<float> kMixtureFloat = {choose<float>,
                                             turn<float>,
                                             turn_back<float>,
                                             gather<float>,
                                             scatter<float>,
                                             add_column_dots<float>};
const MixtureKernels<double> kMixtureDouble = {choose<double>,
                                               turn<double>,
                                               turn_back<double>,
                                               gather<double>,
                                               scatter<double>,
                                               add_column_dots<double>};

}  // namespace einsearch::EINSEARCH_ISA
