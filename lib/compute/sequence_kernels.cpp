// Plain loops over contiguous samples, which the compiler turns into vector code; fused
// multiply-adds are written out, so that the bits do not depend on it. Softmax runs over strips of
// up to 64 columns: three passes (maximum, exponentials and their sum, division) over a strip that
// stays in the first-level cache.
//
// The file is compiled once for each instruction set; everything lies in its namespace.
#include "compute/sequence_kernels.h"

#include <cmath>

#include "compute/exponential.h"
#include "compute/kernel_tables.h"

namespace einsearch::EINSEARCH_ISA {
namespace {

constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }

/// Calls strip.operator()<samples>(first) for strips of 64, then 16 samples.
template <typename Strip>
void for_each_strip_of_columns(Index padded, const Strip& strip) {
  Index n = 0;
  for (; n + 64 <= padded; n += 64) strip.template operator()<64>(n);
  for (; n < padded; n += kSampleLanes) strip.template operator()<kSampleLanes>(n);
}

/// Row of an embedding table, or null for kNoToken.
template <typename Row, typename Scalar>
Row* row_of(Row* table, Scalar token, Index features) {
  return token < 0 ? nullptr : table + static_cast<Index>(token) * features;
}

template <typename Scalar>
void embed(const Scalar* token,
           const Scalar* table,
           const Scalar* positions,
           Index period,
           BlockView<Scalar> y) {
  for (Index n = 0; n < y.samples; n += kSampleLanes) {
    const Index lanes = smaller(kSampleLanes, y.samples - n);
    const Scalar *rows[kSampleLanes], *places[kSampleLanes];
    for (Index i = 0; i < lanes; ++i) {
      rows[i] = row_of(table, token[n + i], y.features);
      places[i] = positions + (n + i) % period * y.features;
    }
    for (Index f = 0; f < y.features; ++f) {
      Scalar* out = y.row(f) + n;
      for (Index i = 0; i < lanes; ++i) {
        out[i] = rows[i] == nullptr ? Scalar{0} : rows[i][f] + places[i][f];
      }
    }
  }
}

template <typename Scalar>
void embed_backward(const Scalar* token,
                    Index period,
                    BlockView<const Scalar> dy,
                    Scalar* dtable,
                    Scalar* dpositions) {
  for (Index n = 0; n < dy.samples; ++n) {
    Scalar* row = row_of(dtable, token[n], dy.features);
    if (row == nullptr) continue;
    Scalar* place = dpositions + n % period * dy.features;
    const Scalar* gradient = dy.data + n;
    for (Index f = 0; f < dy.features; ++f) {
      row[f] += gradient[f * dy.stride];
      place[f] += gradient[f * dy.stride];
    }
  }
}

template <typename Scalar>
void causal_softmax(Scalar scale, Index first, BlockView<Scalar> scores) {
  for_each_strip_of_columns(scores.padded(), [&]<Index kSamples>(Index n) {
    const Index seen_by_all = smaller(first + n + 1, scores.features);
    const Index seen = smaller(first + n + kSamples, scores.features);
    Scalar largest[kSamples], sum[kSamples] = {};
    for (Index i = 0; i < kSamples; ++i) largest[i] = scores.row(0)[n + i];
    for (Index k = 1; k < seen; ++k) {
      const Scalar* row = scores.row(k) + n;
      const Index skipped = k < seen_by_all ? 0 : k - first - n;
      for (Index i = 0; i < kSamples; ++i) {
        const bool is_larger = i >= skipped && row[i] > largest[i];
        largest[i] = is_larger ? row[i] : largest[i];
      }
    }
    for (Index k = 0; k < seen; ++k) {
      Scalar* row = scores.row(k) + n;
      const Index skipped = k < seen_by_all ? 0 : k - first - n;
      for (Index i = 0; i < kSamples; ++i) {
        const Scalar value = exp_of_negative((row[i] - largest[i]) * scale);
        row[i] = i >= skipped ? value : Scalar{0};
        sum[i] += row[i];
      }
    }
    for (Index i = 0; i < kSamples; ++i) sum[i] = Scalar{1} / sum[i];
    for (Index k = 0; k < seen; ++k) {
      Scalar* row = scores.row(k) + n;
      for (Index i = 0; i < kSamples; ++i) row[i] *= sum[i];
    }
    for (Index k = seen; k < scores.features; ++k) {
      Scalar* row = scores.row(k) + n;
      for (Index i = 0; i < kSamples; ++i) row[i] = 0;
    }
  });
}

template <typename Scalar>
void softmax_backward(Scalar scale, BlockView<const Scalar> dp, BlockView<Scalar> p) {
  for_each_strip_of_columns(p.padded(), [&]<Index kSamples>(Index n) {
    Scalar along[kSamples] = {};
    for (Index k = 0; k < p.features; ++k) {
      const Scalar *gradient = dp.row(k) + n, *share = p.row(k) + n;
      for (Index i = 0; i < kSamples; ++i) along[i] = std::fma(gradient[i], share[i], along[i]);
    }
    for (Index k = 0; k < p.features; ++k) {
      const Scalar* gradient = dp.row(k) + n;
      Scalar* row = p.row(k) + n;
      for (Index i = 0; i < kSamples; ++i) row[i] *= scale * (gradient[i] - along[i]);
    }
  });
}

/// largest and sum of exp(z - largest) down the columns n ... n + kSamples - 1; the exponentials
/// are kept in `exponentials` where that has data.
template <Index kSamples, typename Scalar>
void log_sum_exp(BlockView<const Scalar> logits,
                 Index n,
                 BlockView<Scalar> exponentials,
                 Scalar* largest,
                 Scalar* sum) {
  for (Index i = 0; i < kSamples; ++i) {
    largest[i] = logits.row(0)[n + i];
    sum[i] = 0;
  }
  for (Index v = 1; v < logits.features; ++v) {
    const Scalar* row = logits.row(v) + n;
    for (Index i = 0; i < kSamples; ++i) largest[i] = row[i] > largest[i] ? row[i] : largest[i];
  }
  for (Index v = 0; v < logits.features; ++v) {
    const Scalar* row = logits.row(v) + n;
    Scalar values[kSamples];
    for (Index i = 0; i < kSamples; ++i) {
      values[i] = exp_of_negative(row[i] - largest[i]);
      sum[i] += values[i];
    }
    if (exponentials.data == nullptr) continue;
    Scalar* out = exponentials.row(v) + n;
    for (Index i = 0; i < kSamples; ++i) out[i] = values[i];
  }
}

/// losses[i] of the columns n ... n + kSamples - 1 from their targets' logits.
template <Index kSamples, typename Scalar>
void column_losses(BlockView<const Scalar> logits,
                   Index n,
                   const Scalar* target,
                   const Scalar* largest,
                   const Scalar* sum,
                   const Scalar* target_logit,
                   Scalar* losses) {
  const Index columns = smaller(kSamples, logits.samples - n);
  for (Index i = 0; i < columns; ++i) {
    losses[n + i] = target[n + i] < 0 ? Scalar{0}
                                      : static_cast<Scalar>(std::log(static_cast<double>(sum[i])) +
                                                            static_cast<double>(largest[i]) -
                                                            static_cast<double>(target_logit[i]));
  }
}

template <Index kSamples, typename Scalar>
void target_logits(BlockView<const Scalar> logits, Index n, const Scalar* target, Scalar* out) {
  const Index columns = smaller(kSamples, logits.samples - n);
  for (Index i = 0; i < columns; ++i) {
    out[i] = target[n + i] < 0 ? Scalar{0} : logits.row(static_cast<Index>(target[n + i]))[n + i];
  }
}

template <typename Scalar>
void cross_entropy(BlockView<const Scalar> logits, const Scalar* target, Scalar* losses) {
  for_each_strip_of_columns(logits.padded(), [&]<Index kSamples>(Index n) {
    Scalar largest[kSamples], sum[kSamples], of_target[kSamples];
    target_logits<kSamples>(logits, n, target, of_target);
    log_sum_exp<kSamples>(logits, n, BlockView<Scalar>{}, largest, sum);
    column_losses<kSamples>(logits, n, target, largest, sum, of_target, losses);
  });
}

template <typename Scalar>
void cross_entropy_gradient(Scalar weight,
                            const Scalar* target,
                            BlockView<Scalar> logits,
                            Scalar* losses) {
  for_each_strip_of_columns(logits.padded(), [&]<Index kSamples>(Index n) {
    Scalar largest[kSamples], sum[kSamples], of_target[kSamples], share[kSamples];
    target_logits<kSamples, Scalar>(logits, n, target, of_target);
    log_sum_exp<kSamples, Scalar>(logits, n, logits, largest, sum);
    column_losses<kSamples, Scalar>(logits, n, target, largest, sum, of_target, losses);
    for (Index i = 0; i < kSamples; ++i) {
      const bool is_counted = n + i < logits.samples && target[n + i] >= 0;
      share[i] = is_counted ? weight / sum[i] : Scalar{0};
    }
    for (Index v = 0; v < logits.features; ++v) {
      Scalar* row = logits.row(v) + n;
      for (Index i = 0; i < kSamples; ++i) row[i] *= share[i];
    }
    for (Index i = 0; i < smaller(kSamples, logits.samples - n); ++i) {
      if (target[n + i] >= 0) logits.row(static_cast<Index>(target[n + i]))[n + i] -= weight;
    }
  });
}

template <typename Scalar>
void scale_block(Scalar scale, BlockView<const Scalar> x, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    const Scalar* from = x.row(f);
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] = scale * from[n];
  }
}

template <typename Scalar>
void add_scaled(Scalar scale, BlockView<const Scalar> x, BlockView<Scalar> y) {
  for (Index f = 0; f < y.features; ++f) {
    const Scalar* from = x.row(f);
    Scalar* row = y.row(f);
    for (Index n = 0; n < y.padded(); ++n) row[n] = std::fma(scale, from[n], row[n]);
  }
}

}  // namespace

const SequenceKernels<float> kSequenceFloat = {embed<float>,
                                               embed_backward<float>,
                                               causal_softmax<float>,
                                               softmax_backward<float>,
                                               cross_entropy<float>,
                                               cross_entropy_gradient<float>,
                                               scale_block<float>,
                                               add_scaled<float>};
const SequenceKernels<double> kSequenceDouble = {embed<double>,
                                                 embed_backward<double>,
                                                 causal_softmax<double>,
                                                 softmax_backward<double>,
                                                 cross_entropy<double>,
                                                 cross_entropy_gradient<double>,
                                                 scale_block<double>,
                                                 add_scaled<double>};

}  // namespace einsearch::EINSEARCH_ISA
