#include "nn/gate.h"

#include <fmt/format.h>

#include <vector>

#include "base/error.h"
#include "compute/elementwise.h"
#include "compute/mixture_kernels.h"

namespace einsearch {
namespace {

constexpr double kLogSumShare = 0.1;  // of the squared log-sum-exp in the auxiliary loss

/// A block of samples, as the auxiliary loss counts them.
template <typename Scalar>
struct SampleMask {
  bool operator[](Index n) const { return token == nullptr || token[n] >= 0; }

  Index count(Index samples) const {
    Index real = 0;
    for (Index n = 0; n < samples; ++n) real += (*this)[n] ? 1 : 0;
    return real;
  }

  const Scalar* token;
};

LinearOptions linear_options(const GateOptions& options) {
  return {.has_bias = false,
          .is_zero_initialised = options.has_zero_init,
          .base_in = options.base_in,
          .has_default_init = true};
}

}  // namespace

Gate::Gate(ParameterLayout& layout,
           const std::string& name,
           Index inputs,
           const GateOptions& options)
    : options_(options),
      linear_(layout,
              name,
              dense_shape({inputs, options.experts, {}}, OrderRule::a_first),
              linear_options(options)) {
  assert(1 <= options.active && options.active <= options.experts);
}

void Gate::take_rows(RowCounter& rows) {
  logits_ = rows.take(options_.experts);
  chosen_ = rows.take(options_.active);
  shares_ = rows.take(options_.active);
  log_sum_ = rows.take(1);
  for (ColumnPlace* place : {&counts_, &firsts_})
    *place = rows.take_columns({0, padded_samples(options_.experts)});
  for (ColumnPlace* place : {&sample_, &share_, &weight_, &slope_})
    *place = rows.take_columns(column_room(1));
}

ColumnPlace Gate::column_room(Index features) const {
  // Each expert's columns are padded to whole registers and have a margin, as rows of samples have.
  return {features * options_.active, features * kMostMargin * options_.experts};
}

template <typename Scalar>
void Gate::choose(const Weights<Scalar>& weights,
                  BlockView<const Scalar> x,
                  const Scalar* token,
                  const Rows<Scalar>& rows) const {
  const BlockView<Scalar> logits = rows(logits_, options_.experts),
                          chosen = rows(chosen_, options_.active),
                          shares = rows(shares_, options_.active);
  linear_.forward<Scalar>(weights, x, logits, {}, {});
  mixture_kernels<Scalar>().choose(logits, chosen, shares, rows(log_sum_, 1).data);

  const SampleMask<Scalar> is_real{token};
  Scalar *counts = rows.at(counts_), *firsts = rows.at(firsts_);
  for (Index e = 0; e < options_.experts; ++e) counts[e] = 0;
  for (Index k = 0; k < options_.active; ++k) {
    const Scalar* row = chosen.row(k);
    for (Index n = 0; n < rows.samples; ++n)
      if (is_real[n]) counts[static_cast<Index>(row[n])] += 1;
  }
  Index first = 0;
  for (Index e = 0; e < options_.experts; ++e) {
    firsts[e] = static_cast<Scalar>(first);
    if (counts[e] > 0) first += workspace_stride(static_cast<Index>(counts[e]));
    counts[e] = 0;
  }
  Scalar *sample = rows.at(sample_), *share = rows.at(share_), *weight = rows.at(weight_);
  for (Index n = 0; n < rows.samples; ++n) {
    if (!is_real[n]) continue;
    for (Index k = 0; k < options_.active; ++k) {
      const auto e = static_cast<Index>(chosen.row(k)[n]);
      const Index column = static_cast<Index>(firsts[e]) + static_cast<Index>(counts[e]);
      counts[e] += 1;
      sample[column] = static_cast<Scalar>(n);
      share[column] = shares.row(k)[n];
      weight[column] = share[column] + static_cast<Scalar>(options_.floor);
    }
  }
}

template <typename Scalar>
std::vector<ExpertColumns<Scalar>> Gate::columns(const Rows<Scalar>& rows) const {
  std::vector<ExpertColumns<Scalar>> all;
  for (Index e = 0; e < options_.experts; ++e) {
    const auto before = static_cast<Index>(rows.at(firsts_)[e]);
    const auto count = static_cast<Index>(rows.at(counts_)[e]);
    all.push_back({before,
                   count,
                   workspace_stride(count),
                   rows.at(sample_) + before,
                   rows.at(weight_) + before,
                   rows.at(slope_) + before});
  }
  return all;
}

template <typename Scalar>
double Gate::auxiliary_loss(const Scalar* token, const Rows<Scalar>& rows) const {
  const SampleMask<Scalar> is_real{token};
  const BlockView<Scalar> probabilities = rows(logits_, options_.experts);
  const auto samples = static_cast<double>(is_real.count(rows.samples));
  double balance = 0;
  for (Index e = 0; e < options_.experts; ++e) {
    double sum = 0;
    for (Index n = 0; n < rows.samples; ++n)
      if (is_real[n]) sum += static_cast<double>(probabilities.row(e)[n]);
    balance += sum * static_cast<double>(rows.at(counts_)[e]);
  }
  double squares = 0;
  const Scalar* log_sum = rows(log_sum_, 1).data;
  for (Index n = 0; n < rows.samples; ++n) {
    const auto value = static_cast<double>(log_sum[n]);
    if (is_real[n]) squares += value * value;
  }
  return static_cast<double>(options_.experts) * balance /
             (samples * samples * static_cast<double>(options_.active)) +
         kLogSumShare * squares / samples;
}

template <typename Scalar>
void Gate::backward(const Weights<Scalar>& weights,
                    BlockView<const Scalar> x,
                    const Scalar* token,
                    double auxiliary_scale,
                    const Rows<Scalar>& rows,
                    BlockView<Scalar> dx,
                    Scalar* gradient) const {
  const SampleMask<Scalar> is_real{token};
  const BlockView<Scalar> dlogits = rows(logits_, options_.experts);
  const auto samples = static_cast<double>(is_real.count(rows.samples));
  const Scalar *counts = rows.at(counts_), *log_sum = rows(log_sum_, 1).data;
  // The softmax over all experts, p, is still where dlogits will be:
  //   dh_e = p_e (c_e - sum_e' p_e' c_e' + z log_sum),  c_e = scale E f_e / N,  z = scale 0.2 / N
  const double balance = auxiliary_scale * static_cast<double>(options_.experts) /
                         (static_cast<double>(options_.active) * samples * samples);
  const double pull = auxiliary_scale * 2 * kLogSumShare / samples;
  Scalar* mean = rows(chosen_, 1).data;  // whose use is over
  for (Index n = 0; n < rows.samples; ++n) mean[n] = 0;
  for (Index e = 0; e < options_.experts; ++e) {
    const auto c = static_cast<Scalar>(balance * static_cast<double>(counts[e]));
    const Scalar* p = dlogits.row(e);
    for (Index n = 0; n < rows.samples; ++n) mean[n] += p[n] * c;
  }
  for (Index e = 0; e < options_.experts; ++e) {
    const auto c = static_cast<Scalar>(balance * static_cast<double>(counts[e]));
    Scalar* row = dlogits.row(e);
    for (Index n = 0; n < rows.samples; ++n) {
      const Scalar slope = c - mean[n] + static_cast<Scalar>(pull) * log_sum[n];
      row[n] = is_real[n] ? row[n] * slope : Scalar{0};
    }
    for (Index n = rows.samples; n < dlogits.padded(); ++n) row[n] = 0;
  }
  // Of the chosen, with share_e dweight_e = (share_e / weight_e) slope_e, and 0 without a weight:
  //   dh_e += share_e dweight_e - share_e (sum of share dweight over the chosen)
  const Scalar *sample = rows.at(sample_), *share = rows.at(share_), *weight = rows.at(weight_);
  Scalar* slope = rows.at(slope_);
  for (Index n = 0; n < rows.samples; ++n) mean[n] = 0;
  const std::vector<ExpertColumns<Scalar>> experts = columns(rows);
  const auto for_each_column = [&](const auto& body) {
    for (Index e = 0; e < options_.experts; ++e) {
      const ExpertColumns<Scalar>& own = experts[static_cast<std::size_t>(e)];
      for (Index c = own.before; c < own.before + own.count; ++c)
        body(e, static_cast<Index>(sample[c]), c);
    }
  };
  for_each_column([&](Index, Index n, Index c) {
    slope[c] = weight[c] > 0 ? share[c] / weight[c] * slope[c] : Scalar{0};
    mean[n] += slope[c];
  });
  for_each_column(
      [&](Index e, Index n, Index c) { dlogits.row(e)[n] += slope[c] - share[c] * mean[n]; });
  linear_.backward<Scalar>(weights, x, {}, dlogits, dx, {}, gradient, {}, Store::accumulate);
}

template void Gate::choose<float>(const Weights<float>&,
                                  BlockView<const float>,
                                  const float*,
                                  const Rows<float>&) const;
template void Gate::choose<double>(const Weights<double>&,
                                   BlockView<const double>,
                                   const double*,
                                   const Rows<double>&) const;
template std::vector<ExpertColumns<float>> Gate::columns(const Rows<float>&) const;
template std::vector<ExpertColumns<double>> Gate::columns(const Rows<double>&) const;
template double Gate::auxiliary_loss(const float*, const Rows<float>&) const;
template double Gate::auxiliary_loss(const double*, const Rows<double>&) const;
template void Gate::backward<float>(const Weights<float>&,
                                    BlockView<const float>,
                                    const float*,
                                    double,
                                    const Rows<float>&,
                                    BlockView<float>,
                                    float*) const;
template void Gate::backward<double>(const Weights<double>&,
                                     BlockView<const double>,
                                     const double*,
                                     double,
                                     const Rows<double>&,
                                     BlockView<double>,
                                     double*) const;

}  // namespace einsearch
