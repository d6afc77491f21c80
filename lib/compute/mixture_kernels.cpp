// The choice of experts is plain loops as in sequence_kernels.cpp. Copying samples to experts and
// back permutes whole vectors: an expert's samples ascend, so several of them share a vector. Sums
// run in the order of features or experts for each sample by itself, so no bit depends on the width
// of the registers.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/mixture_kernels.h"

#include <cmath>
#include <limits>

#include "compute/exponential.h"
#include "compute/kernel_tables.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {
namespace {

constexpr Index kColumnsAtATime = 64;  // whose sums are at hand while rows go by
constexpr Index kRowsAtATime = 8;      // that share a look at each route

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

/// Columns are put together from samples, kRows rows of them.
template <Index kRows, typename Scalar>
void gather_rows(const Routes<Scalar>& routes,
                 RouteWeights weights,
                 const Scalar* x,
                 Index x_stride,
                 ColumnRows<Scalar> room,
                 Index f) {
  using V = Simd<Scalar>;
  const Scalar one = 1;
  typename V::Vector own[kRows];
  for (Index r = 0; r < kRows; ++r) own[r] = V::zero();
  for (const Route<Scalar>& route : routes.to_columns) {
    for (Index r = 0; r < kRows; ++r) {
      const auto from = V::load(x + r * x_stride + route.sample);
      own[r] = V::permute(own[r], route.is_taken, from, route.from);
    }
    if (!route.is_last) continue;
    const auto share = weights == RouteWeights::own ? V::load(route.weight) : V::broadcast(&one);
    Scalar* to = room.at(route, f);
    for (Index r = 0; r < kRows; ++r) {
      V::store(to + r * route.stride, V::multiply(share, own[r]));
      own[r] = V::zero();
    }
  }
}

/// Samples are summed up from columns, kRows rows of them.
template <Index kRows, typename Scalar>
void scatter_rows(const Routes<Scalar>& routes,
                  RouteWeights weights,
                  ColumnRows<const Scalar> room,
                  Index f,
                  Scalar* y,
                  Index y_stride,
                  Store store) {
  using V = Simd<Scalar>;
  typename V::Vector sum[kRows];
  bool is_first = true;
  for (const Route<Scalar>& route : routes.to_samples) {
    Scalar* to = y + route.sample;
    if (is_first) {
      for (Index r = 0; r < kRows; ++r)
        sum[r] = store == Store::accumulate ? V::load(to + r * y_stride) : V::zero();
    }
    const Scalar* from = room.at(route, f);
    const auto share = V::load(route.weight);
    for (Index r = 0; r < kRows; ++r) {
      const auto column = V::load(from + r * route.stride);
      const auto own = V::permute(V::zero(), route.is_taken, column, route.from);
      sum[r] = weights == RouteWeights::own ? V::fma(share, own, sum[r]) : V::add(sum[r], own);
    }
    is_first = route.is_last;
    if (!route.is_last) continue;
    // Zero is added since routes that bring nothing turn -0 into 0, and lanes decide where they
    // are.
    for (Index r = 0; r < kRows; ++r) V::store(to + r * y_stride, V::add(sum[r], V::zero()));
  }
}

/// Calls rows.operator()<count>(first) for all rows, kRowsAtATime of them where there are as many.
template <typename Body>
void for_each_rows(Index features, const Body& rows) {
  Index f = 0;
  for (; f + kRowsAtATime <= features; f += kRowsAtATime) rows.template operator()<kRowsAtATime>(f);
  for (; f < features; ++f) rows.template operator()<1>(f);
}

template <typename Scalar>
void gather(const Routes<Scalar>& routes,
            RouteWeights weights,
            BlockView<const Scalar> x,
            ColumnRows<Scalar> room) {
  for_each_rows(smaller(x.features, room.count), [&]<Index kRows>(Index f) {
    gather_rows<kRows>(routes, weights, x.row(f), x.stride, room, f);
  });
  for (Index f = x.features; f < room.count; ++f) {
    for (const Route<Scalar>& route : routes.to_columns)
      Simd<Scalar>::store(room.at(route, f), Simd<Scalar>::zero());
  }
}

template <typename Scalar>
void scatter(const Routes<Scalar>& routes,
             RouteWeights weights,
             ColumnRows<const Scalar> room,
             BlockView<Scalar> y,
             Store store) {
  for_each_rows(smaller(y.features, room.count), [&]<Index kRows>(Index f) {
    scatter_rows<kRows>(routes, weights, room, f, y.row(f), y.stride, store);
  });
}

template <typename Scalar>
void add_column_dots(BlockView<const Scalar> x, BlockView<const Scalar> y, Scalar* sum) {
  using V = Simd<Scalar>;
  constexpr Index kVectors = kColumnsAtATime / V::kWidth;
  Index first = 0;
  const auto run = [&]<Index kCount>() {
    typename V::Vector own[kCount];
    for (Index i = 0; i < kCount; ++i) own[i] = V::load(sum + first + i * V::kWidth);
    for (Index f = 0; f < x.features; ++f) {
      const Scalar *a = x.row(f) + first, *b = y.row(f) + first;
      for (Index i = 0; i < kCount; ++i)
        own[i] = V::fma(V::load(a + i * V::kWidth), V::load(b + i * V::kWidth), own[i]);
    }
    for (Index i = 0; i < kCount; ++i) V::store(sum + first + i * V::kWidth, own[i]);
    first += kCount * V::kWidth;
  };
  while (first + kColumnsAtATime <= x.padded()) run.template operator()<kVectors>();
  while (first < x.padded()) run.template operator()<kSampleLanes / V::kWidth>();
}

}  // namespace

const MixtureKernels<float> kMixtureFloat = {
    Simd<float>::kWidth, choose<float>, gather<float>, scatter<float>, add_column_dots<float>};
const MixtureKernels<double> kMixtureDouble = {
    Simd<double>::kWidth, choose<double>, gather<double>, scatter<double>, add_column_dots<double>};

}  // namespace einsearch::EINSEARCH_ISA
