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

DivisorTriples::DivisorTriples(Index d) : divisors_(divisors(d)) {
  const double log_d = std::log(static_cast<double>(d));
  logs_.reserve(divisors_.size());
  for (const Index n : divisors_)
    logs_.push_back(d == 1 ? 0.0 : std::log(static_cast<double>(n)) / log_d);
  thread_local std::vector<Places> found;
  found.clear();
  for (std::size_t i = 0; i < divisors_.size(); ++i) {
    const Index rest = divisors_[divisors_.size() - 1 - i];  // d over the first
    for (std::size_t j = 0; j < divisors_.size() && divisors_[j] <= rest; ++j) {
      if (rest % divisors_[j] == 0)
        found.push_back({static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(j)});
    }
  }
  places_.assign(found.begin(), found.end());
}

Triple DivisorTriples::triple(const Places& places) const {
  const Index a = divisors_[places[0]], b = divisors_[places[1]];
  return {a, b, divisors_.back() / (a * b)};
}

std::vector<Triple> DivisorTriples::all() const {
  std::vector<Triple> triples;
  triples.reserve(places_.size());
  for (const Places& places : places_) triples.push_back(triple(places));
  return triples;
}

std::vector<Triple> DivisorTriples::nearest(const std::array<double, 3>& exponents) const {
  const auto distance = [&](const Places& places) {
    const double first = logs_[places[0]], second = logs_[places[1]];
    const double a = first - exponents[0];
    const double b = second - exponents[1];
    const double c = (1 - first - second) - exponents[2];
    return a * a + b * b + c * c;
  };
  double least = kInfinity;
  for (const Places& places : places_) least = std::min(least, distance(places));
  std::vector<Triple> found;
  for (const Places& places : places_) {
    if (distance(places) <= least + kTieTolerance) found.push_back(triple(places));
  }
  return found;
}

std::size_t DivisorTriples::bytes() const {
  return sizeof(*this) + divisors_.size() * (sizeof(Index) + sizeof(double)) +
         places_.size() * sizeof(Places);
}

std::shared_ptr<const DivisorTriples> shared_divisor_triples(Index d) {
  constexpr std::size_t kMostBytes = std::size_t{32} << 20;
  thread_local std::unordered_map<Index, std::shared_ptr<const DivisorTriples>> kept;
  thread_local std::size_t bytes = 0;
  auto& triples = kept[d];
  if (!triples) {
    triples = std::make_shared<const DivisorTriples>(d);
    bytes += triples->bytes();
    if (bytes > kMostBytes) {
      const auto result = triples;
      kept.clear();
      bytes = 0;
      return result;
    }
  }
  return triples;
}

}  // namespace einsearch
