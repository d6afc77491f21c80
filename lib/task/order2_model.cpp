#include "task/order2_model.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace einsearch {
namespace {

/// Counts of followers, by context.
class Followers {
 public:
  Followers(std::size_t contexts, std::size_t vocabulary)
      : vocabulary_(vocabulary),
        counts_(contexts * vocabulary),
        totals_(contexts),
        kinds_(contexts) {}

  void add(std::size_t context, std::size_t token) {
    std::uint32_t& count = counts_[context * vocabulary_ + token];
    kinds_[context] += count == 0 ? 1 : 0;
    ++count;
    ++totals_[context];
  }

  /// The probability of `token`, given that of the order below.
  double probability(std::size_t context, std::size_t token, double below) const {
    if (totals_[context] == 0) return below;
    const double kinds = kinds_[context];
    return (counts_[context * vocabulary_ + token] + kinds * below) / (totals_[context] + kinds);
  }

 private:
  std::size_t vocabulary_;
  std::vector<std::uint32_t> counts_, totals_, kinds_;
};

}  // namespace

std::optional<double> order2_loss(const TokenData& data) {
  constexpr Index kLargestVocabulary = 256;
  constexpr Count kMostTokens = Count{1} << 26, kOrder = 2;
  const TokenStream &training = data.training, &held_out = data.held_out;
  if (data.vocabulary > kLargestVocabulary || std::min(training.size(), held_out.size()) <= kOrder)
    return std::nullopt;
  const auto vocabulary = static_cast<std::size_t>(data.vocabulary);
  const auto token = [](const TokenStream& stream, Count i) {
    return static_cast<std::size_t>(stream[i]);
  };

  std::vector<double> single(vocabulary, 1);
  Followers first(vocabulary, vocabulary), second(vocabulary * vocabulary, vocabulary);
  const Count size = std::min(training.size(), kMostTokens);
  for (Count i = 0; i < size; ++i) {
    const std::size_t w = token(training, i);
    single[w] += 1;
    if (i < kOrder) continue;
    const std::size_t v = token(training, i - 1), u = token(training, i - 2);
    first.add(v, w);
    second.add(u * vocabulary + v, w);
  }
  const double tokens = static_cast<double>(size) + static_cast<double>(vocabulary);
  double sum = 0;
  for (Count i = kOrder; i < held_out.size(); ++i) {
    const std::size_t u = token(held_out, i - 2), v = token(held_out, i - 1),
                      w = token(held_out, i);
    const double p = first.probability(v, w, single[w] / tokens);
    sum -= std::log(second.probability(u * vocabulary + v, w, p));
  }
  return sum / static_cast<double>(held_out.size() - kOrder);
}

}  // namespace einsearch
