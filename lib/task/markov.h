// A synthetic text whose entropy is known: a Markov source over the vocabulary of 96.
//
//   P(x_t = c | x_{t-1} = b, x_{t-2} = a) = softmax_c(s (u[b, c] + v[a, c])),   u, v ~ N(0, 1)
//
// for order 2; order 1 has u alone. s = 2 / sqrt(order). Sequences start in the stationary
// distribution, so every position looks alike, and the least loss that any model can reach on a
// window is a finite sum:
//
//   order 1:  H(x_1 | x_0)              order 2:  (H(x_1 | x_0) + (T - 1) H(x_2 | x_0, x_1)) / T
//
// Cost: the stationary distribution is found by power iteration, 96^(order + 1) multiplications
// each.
#pragma once

#include <vector>

#include "base/random.h"
#include "task/task.h"

namespace einsearch {

struct MarkovOptions {
  Index window = 128;           ///< T
  Index order = 2;              ///< 1 or 2
  std::uint64_t seed_task = 0;  ///< the source, and the held-out sequences
  std::uint64_t seed_data = 0;  ///< the training sequences

  bool operator==(const MarkovOptions&) const = default;
};

/// Its transition probabilities and stationary distribution. A state is the last `order` tokens,
/// the latest one fastest.
class MarkovSource {
 public:
  explicit MarkovSource(const MarkovOptions& options);

  Index order() const { return order_; }
  Index states() const { return static_cast<Index>(stationary_.size()); }
  /// Probability of each state.
  const std::vector<double>& stationary() const { return stationary_; }
  /// P(token | state), (states, 96).
  const std::vector<double>& transition() const { return transition_; }

  /// Entropy per token in nats once `order` tokens are known.
  double entropy_rate() const;

  /// Least mean loss over the targets of a window of `window` + 1 tokens.
  double window_entropy(Index window) const;

  /// A sequence of `tokens` from the draws first, first + 1, ... of `stream`; one draw for the
  /// first `order` tokens, then one each.
  void sample(const RandomStream& stream, std::uint64_t first, std::span<int> tokens) const;

 private:
  Index order_;
  std::vector<double> transition_, cumulative_;             // (states, 96)
  std::vector<double> stationary_, cumulative_stationary_;  // (states)
};

template <typename Scalar>
class MarkovTask final : public Task<Scalar> {
 public:
  explicit MarkovTask(const MarkovOptions& options);

  std::string name() const override { return "text"; }
  Index inputs() const override { return options_.window; }
  Index outputs() const override { return options_.window; }
  Index vocabulary() const override;
  std::optional<double> entropy() const override { return source_.window_entropy(options_.window); }
  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;
  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override;

 private:
  void examples(const RandomStream& stream,
                Count first,
                BlockView<Scalar> inputs,
                BlockView<Scalar> targets) const;

  MarkovOptions options_;
  MarkovSource source_;
};

}  // namespace einsearch
