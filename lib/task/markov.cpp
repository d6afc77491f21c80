#include "task/markov.h"

#include <algorithm>
#include <cmath>

#include "task/tokens.h"

namespace einsearch {
namespace {

constexpr auto kV = static_cast<std::size_t>(kTextVocabulary);

/// -sum p ln p
double entropy_of(std::span<const double> probabilities) {
  double sum = 0;
  for (const double p : probabilities) {
    if (p > 0) sum -= p * std::log(p);
  }
  return sum;
}

/// Running sums of each row of `size` numbers; the last is exactly 1.
std::vector<double> cumulative_rows(const std::vector<double>& rows, std::size_t size) {
  std::vector<double> sums(rows.size());
  for (std::size_t first = 0; first < rows.size(); first += size) {
    double sum = 0;
    for (std::size_t i = first; i < first + size; ++i) sums[i] = sum += rows[i];
    sums[first + size - 1] = 1;
  }
  return sums;
}

std::size_t draw(std::span<const double> cumulative, double uniform) {
  const auto place = std::upper_bound(cumulative.begin(), cumulative.end() - 1, uniform);
  return static_cast<std::size_t>(place - cumulative.begin());
}

/// One step of the chain: next[s'] = sum_s now[s] P(s -> s').
std::vector<double> step(const std::vector<double>& now, const std::vector<double>& transition) {
  std::vector<double> next(now.size());
  const std::size_t kept = now.size() / kV;  // a state's successors share all but its oldest token
  for (std::size_t state = 0; state < now.size(); ++state) {
    double* successors = next.data() + state % kept * kV;
    const double* row = transition.data() + state * kV;
    for (std::size_t c = 0; c < kV; ++c) successors[c] += now[state] * row[c];
  }
  return next;
}

}  // namespace

MarkovSource::MarkovSource(const MarkovOptions& options) : order_(options.order) {
  const double sharpness = 2 / std::sqrt(static_cast<double>(order_));
  std::vector<std::vector<double>> scores;
  for (Index lag = 0; lag < order_; ++lag) {
    scores.emplace_back(kV * kV);
    RandomStream(options.seed_task, StreamId::markov_table, static_cast<std::uint32_t>(lag))
        .fill_normal<double>(0, scores.back());
  }
  const std::size_t states = order_ == 1 ? kV : kV * kV;
  transition_.resize(states * kV);
  for (std::size_t state = 0; state < states; ++state) {
    double* row = transition_.data() + state * kV;
    double sum = 0;
    for (std::size_t c = 0; c < kV; ++c) {
      double score = scores[0][state % kV * kV + c];
      if (order_ == 2) score += scores[1][state / kV * kV + c];
      sum += row[c] = std::exp(sharpness * score);
    }
    for (std::size_t c = 0; c < kV; ++c) row[c] /= sum;
  }

  stationary_.assign(states, 1 / static_cast<double>(states));
  for (double change = 1; change > 1e-14;) {  // every entry is positive: convergence is geometric
    const std::vector<double> next = step(stationary_, transition_);
    change = 0;
    for (std::size_t i = 0; i < states; ++i)
      change = std::max(change, std::abs(next[i] - stationary_[i]));
    stationary_ = next;
  }
  cumulative_ = cumulative_rows(transition_, kV);
  cumulative_stationary_ = cumulative_rows(stationary_, states);
}

double MarkovSource::entropy_rate() const {
  double rate = 0;
  for (std::size_t state = 0; state < stationary_.size(); ++state)
    rate += stationary_[state] * entropy_of({transition_.data() + state * kV, kV});
  return rate;
}

double MarkovSource::window_entropy(Index window) const {
  if (order_ == 1) return entropy_rate();
  std::vector<double> single(kV);
  for (std::size_t state = 0; state < stationary_.size(); ++state)
    single[state % kV] += stationary_[state];
  const double after_one = entropy_of(stationary_) - entropy_of(single);
  const auto targets = static_cast<double>(window);
  return (after_one + (targets - 1) * entropy_rate()) / targets;
}

void MarkovSource::sample(const RandomStream& stream,
                          std::uint64_t first,
                          std::span<int> tokens) const {
  const std::size_t kept = stationary_.size() / kV;
  std::size_t state = draw(cumulative_stationary_, stream.uniform(first));
  std::size_t known = static_cast<std::size_t>(order_);
  if (order_ == 2) tokens[0] = static_cast<int>(state / kV);
  tokens[known - 1] = static_cast<int>(state % kV);
  for (; known < tokens.size(); ++known) {
    const std::size_t token = draw({cumulative_.data() + state * kV, kV}, stream.uniform(++first));
    tokens[known] = static_cast<int>(token);
    state = state % kept * kV + token;
  }
}

template <typename Scalar>
MarkovTask<Scalar>::MarkovTask(const MarkovOptions& options)
    : options_(options), source_(options) {}

template <typename Scalar>
Index MarkovTask<Scalar>::vocabulary() const {
  return kTextVocabulary;
}

template <typename Scalar>
void MarkovTask<Scalar>::training_examples(Count first,
                                           BlockView<Scalar> inputs,
                                           BlockView<Scalar> targets) const {
  examples(RandomStream(options_.seed_data, StreamId::markov_text, 0), first, inputs, targets);
}

template <typename Scalar>
void MarkovTask<Scalar>::held_out_examples(Count first,
                                           BlockView<Scalar> inputs,
                                           BlockView<Scalar> targets) const {
  examples(RandomStream(options_.seed_task, StreamId::markov_text, 1), first, inputs, targets);
}

template <typename Scalar>
void MarkovTask<Scalar>::examples(const RandomStream& stream,
                                  Count first,
                                  BlockView<Scalar> inputs,
                                  BlockView<Scalar> targets) const {
  std::vector<int> tokens(static_cast<std::size_t>(options_.window) + 1);
  for (Index n = 0; n < inputs.samples; ++n) {
    source_.sample(stream, static_cast<std::uint64_t>(first + n) * tokens.size(), tokens);
    for (Index t = 0; t < inputs.features; ++t) {
      inputs.row(t)[n] = static_cast<Scalar>(tokens[static_cast<std::size_t>(t)]);
      targets.row(t)[n] = static_cast<Scalar>(tokens[static_cast<std::size_t>(t) + 1]);
    }
  }
}

template class MarkovTask<float>;
template class MarkovTask<double>;

}  // namespace einsearch
