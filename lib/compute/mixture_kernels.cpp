// Plain loops as in sequence_kernels.cpp, but for copying samples to experts and back, which
// permutes whole vectors: an expert's samples ascend, so several of them share a vector. Sums run
// in the order of features or experts for each sample by itself, so no bit depends on the width of
// the registers.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/mixture_kernels.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "compute/exponential.h"
#include "compute/kernel_tables.h"
#include "compute/simd.h"

namespace einsearch::EINSEARCH_ISA {
namespace {

constexpr Index kSamplesAtATime = 128;  // whose numbers are at hand while rows go by
constexpr Index kRowsAtATime = 4;       // that share a look at each move

/// Whether vectors of Scalar can be permuted by lane numbers; doubles only serve as a reference.
template <typename Scalar>
constexpr bool has_permutation() {
  return sizeof(Scalar) == sizeof(float);
}

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

/// Columns next to each other whose samples, in ascending order, lie in one vector of samples: one
/// permutation carries them between the two.
template <typename Scalar>
struct Move {
  static constexpr Index kWidth = Simd<Scalar>::kWidth;

  Index group = 0;  // the first sample of the vector
  Index column = 0;
  Index count = 0;
  std::int32_t lane[kWidth] = {};    // of the vector of samples, by column
  std::int32_t place[kWidth] = {};   // of the columns, by lane
  std::int32_t is_own[kWidth] = {};  // -1: the lane has a column, 0: it has none
};

/// Of a move's columns; 1 without weights and behind its columns.
template <typename Scalar>
struct ColumnWeights {
  ColumnWeights(const Scalar* weight, const Move<Scalar>& move) {
    for (Index i = 0; i < Move<Scalar>::kWidth; ++i)
      values[i] = weight == nullptr || i >= move.count ? Scalar{1} : weight[move.column + i];
  }
  Scalar values[Move<Scalar>::kWidth];
};

/// Moves of the columns first ... first + count - 1, at most one for each.
template <typename Scalar>
Index find_moves(const Scalar* sample, Index first, Index count, Move<Scalar>* moves) {
  constexpr Index kWidth = Move<Scalar>::kWidth;
  Index n = 0;
  for (Index i = first; i < first + count; ++i) {
    const auto number = static_cast<Index>(sample[i]);
    const Index group = number / kWidth * kWidth;
    const auto lane = static_cast<std::int32_t>(number - group);
    const bool goes_on =
        n > 0 && moves[n - 1].group == group && moves[n - 1].lane[moves[n - 1].count - 1] < lane;
    if (!goes_on) moves[n++] = {.group = group, .column = i};
    Move<Scalar>& move = moves[n - 1];
    move.lane[move.count] = lane;
    move.place[lane] = static_cast<std::int32_t>(move.count);
    move.is_own[lane] = -1;
    ++move.count;
  }
  return n;
}

/// Calls rows.operator()<count>(first, move) for kRowsAtATime rows, then single ones, and all moves
/// of up to kSamplesAtATime columns.
template <typename Scalar, typename Rows>
void for_each_move(const Scalar* sample, Index columns, Index features, const Rows& rows) {
  Move<Scalar> moves[kSamplesAtATime];
  for (Index first = 0; first < columns; first += kSamplesAtATime) {
    const Index n = find_moves(sample, first, smaller(kSamplesAtATime, columns - first), moves);
    Index f = 0;
    for (; f + kRowsAtATime <= features; f += kRowsAtATime) {
      for (Index i = 0; i < n; ++i) rows.template operator()<kRowsAtATime>(f, moves[i]);
    }
    for (; f < features; ++f) {
      for (Index i = 0; i < n; ++i) rows.template operator()<1>(f, moves[i]);
    }
  }
}

/// What one vector of samples gives to one vector of columns.
template <typename Scalar>
struct Contribution {
  static constexpr Index kWidth = Simd<Scalar>::kWidth;

  Index group = 0;                   // the first sample of the vector
  Index columns = 0;                 // the first column
  std::int32_t lane[kWidth] = {};    // of the vector of samples, by column
  std::int32_t is_own[kWidth] = {};  // -1: the column gets its number from here, 0: it does not
};

/// Contributions to the columns first ... first + count - 1, at most one for each.
template <typename Scalar>
Index find_contributions(const Scalar* sample,
                         Index first,
                         Index count,
                         Contribution<Scalar>* contributions) {
  constexpr Index kWidth = Contribution<Scalar>::kWidth;
  Index n = 0;
  for (Index i = first; i < first + count; ++i) {
    const auto number = static_cast<Index>(sample[i]);
    const Index group = number / kWidth * kWidth, columns = i / kWidth * kWidth;
    if (n == 0 || contributions[n - 1].group != group || contributions[n - 1].columns != columns)
      contributions[n++] = {.group = group, .columns = columns};
    contributions[n - 1].lane[i - columns] = static_cast<std::int32_t>(number - group);
    contributions[n - 1].is_own[i - columns] = -1;
  }
  return n;
}

/// kRows rows of all columns that the contributions go to; `share` lies by column.
template <Index kRows, typename Scalar>
void gather_rows(std::span<const Contribution<Scalar>> contributions,
                 const Scalar* share,
                 const Scalar* x,
                 Index x_row,
                 Scalar* y,
                 Index y_row) {
  using V = Simd<Scalar>;
  for (auto contribution = contributions.begin(); contribution != contributions.end();) {
    const Index columns = contribution->columns;
    typename V::Vector own[kRows];
    for (Index r = 0; r < kRows; ++r) own[r] = V::zero();
    for (; contribution != contributions.end() && contribution->columns == columns;
         ++contribution) {
      for (Index r = 0; r < kRows; ++r) {
        const auto lanes =
            V::permute(V::load(x + r * x_row + contribution->group), contribution->lane);
        own[r] = V::select(contribution->is_own, lanes, own[r]);
      }
    }
    const auto shares = V::load(share + columns);
    for (Index r = 0; r < kRows; ++r)
      V::store(y + r * y_row + columns, V::multiply(shares, own[r]));
  }
}

template <typename Scalar>
void clear_padding(BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    for (Index i = y.samples; i < y.padded(); ++i) y.row(f)[i] = 0;
  }
}

void gather(BlockView<const float> x,
            const float* sample,
            const float* weight,
            BlockView<float> y) {
  Contribution<float> contributions[kSamplesAtATime];
  float shares[kSamplesAtATime];
  for (Index first = 0; first < y.samples; first += kSamplesAtATime) {
    const Index count = smaller(kSamplesAtATime, y.samples - first);
    const Index n = find_contributions(sample + first, 0, count, contributions);
    for (Index i = 0; i < kSamplesAtATime; ++i)
      shares[i] = weight != nullptr && i < count ? weight[first + i] : 1;
    const std::span<const Contribution<float>> all(contributions, static_cast<std::size_t>(n));
    Index f = 0;
    for (; f + kRowsAtATime <= y.features; f += kRowsAtATime)
      gather_rows<kRowsAtATime>(all, shares, x.row(f), x.stride, y.row(f) + first, y.stride);
    for (; f < y.features; ++f)
      gather_rows<1>(all, shares, x.row(f), x.stride, y.row(f) + first, y.stride);
  }
  clear_padding(y);
}

void gather(BlockView<const double> x,
            const double* sample,
            const double* weight,
            BlockView<double> y) {
  for (Index f = 0; f < y.features; ++f) {
    for (Index i = 0; i < y.samples; ++i) {
      const double from = x.row(f)[static_cast<Index>(sample[i])];
      y.row(f)[i] = weight != nullptr ? weight[i] * from : from;
    }
  }
  clear_padding(y);
}

template <typename Scalar>
void scatter(BlockView<const Scalar> x,
             const Scalar* sample,
             const Scalar* weight,
             BlockView<Scalar> y) {
  using V = Simd<Scalar>;
  for_each_move(sample, x.samples, x.features, [&]<Index kRows>(Index f, const Move<Scalar>& move) {
    const Scalar* from = x.row(f) + move.column;
    Scalar* to = y.row(f) + move.group;
    const ColumnWeights<Scalar> share(weight, move);
    if constexpr (has_permutation<Scalar>()) {
      if (move.column + V::kWidth <= x.padded()) {
        const auto shares = V::permute(V::load(share.values), move.place);
        for (Index r = 0; r < kRows; ++r) {
          const auto before = V::load(to + r * y.stride);
          const auto own = V::permute(V::load(from + r * x.stride), move.place);
          const auto after = V::fma(shares, own, before);
          V::store(to + r * y.stride, V::select(move.is_own, after, before));
        }
        return;
      }
    }
    for (Index i = 0; i < move.count; ++i) {
      for (Index r = 0; r < kRows; ++r) {
        Scalar& sum = to[r * y.stride + move.lane[i]];
        sum = std::fma(share.values[i], from[r * x.stride + i], sum);
      }
    }
  });
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

const MixtureKernels<float> kMixtureFloat = {
    choose<float>, gather, scatter<float>, add_column_dots<float>};
const MixtureKernels<double> kMixtureDouble = {
    choose<double>, gather, scatter<double>, add_column_dots<double>};

}  // namespace einsearch::EINSEARCH_ISA
