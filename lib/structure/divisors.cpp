#include "structure/divisors.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <unordered_map>

namespace einsearch {
namespace {

constexpr double kTieTolerance = 1e-9;

}  // namespace

std::vector<Index> divisors(Index d) {
  assert(d >= 1 && d <= kLargestWidth);
  std::vector<Index> small;
  std::vector<Index> large;
  for (Index i = 1; i * i <= d; ++i) {
    if (d % i != 0) continue;
    small.push_back(i);
    if (i != d / i) large.push_back(d / i);
  }
  small.insert(small.end(), large.rbegin(), large.rend());
  return small;
}

DivisorTriples::DivisorTriples(Index d) {
  const std::vector<Index> all_divisors = divisors(d);
  const double log_d = std::log(static_cast<double>(d));
  std::vector<double> logs;
  for (const Index n : all_divisors)
    logs.push_back(d == 1 ? 0.0 : std::log(static_cast<double>(n)) / log_d);
  for (std::size_t i = 0; i < all_divisors.size(); ++i) {
    const Index a = all_divisors[i];
    const Index rest = d / a;
    for (std::size_t j = 0; j < all_divisors.size() && all_divisors[j] <= rest; ++j) {
      const Index b = all_divisors[j];
      if (rest % b != 0) continue;
      triples_.push_back({a, b, rest / b});
      logs_.push_back({logs[i], logs[j]});
    }
  }
}

std::vector<Triple> DivisorTriples::nearest(const std::array<double, 3>& exponents) const {
  const auto distance = [&](std::size_t i) {
    const double a = logs_[i][0] - exponents[0];
    const double b = logs_[i][1] - exponents[1];
    const double c = (1 - logs_[i][0] - logs_[i][1]) - exponents[2];
    return a * a + b * b + c * c;
  };
  double least = kInfinity;
  for (std::size_t i = 0; i < triples_.size(); ++i) least = std::min(least, distance(i));
  std::vector<Triple> found;
  for (std::size_t i = 0; i < triples_.size(); ++i) {
    if (distance(i) <= least + kTieTolerance) found.push_back(triples_[i]);
  }
  return found;
}

std::shared_ptr<const DivisorTriples> shared_divisor_triples(Index d) {
  constexpr std::size_t kMostTriples = 1'000'000;  // 40 MB
  thread_local std::unordered_map<Index, std::shared_ptr<const DivisorTriples>> kept;
  thread_local std::size_t n_kept = 0;
  auto& triples = kept[d];
  if (!triples) {
    triples = std::make_shared<const DivisorTriples>(d);
    n_kept += triples->all().size();
    if (n_kept > kMostTriples) {
      const auto result = triples;
      kept.clear();
      n_kept = 0;
      return result;
    }
  }
  return triples;
}

}  // namespace einsearch
