#include "fit/quicksort_order.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

namespace einsearch {
namespace {

constexpr Index kInsertionRows = 16;

class Quicksort {
 public:
  explicit Quicksort(std::span<const double> values) : values_(values), order_(values.size()) {
    std::iota(order_.begin(), order_.end(), Index{0});
  }

  std::vector<Index> run();

 private:
  struct Part {
    Index first;
    Index last;  // included
    int depth;   // partitions still allowed
  };

  Index& at(Index place) { return order_[static_cast<std::size_t>(place)]; }
  double value(Index place) { return values_[static_cast<std::size_t>(at(place))]; }
  void order_pair(Index low, Index high) {
    if (value(high) < value(low)) std::swap(at(low), at(high));
  }

  Index partition(Index first, Index last);
  void insertion_sort(Index first, Index last);
  void stable_sort(Index first, Index last);

  std::span<const double> values_;
  std::vector<Index> order_;
};

/// Puts the median of first, middle and last where it belongs; returns its place.
Index Quicksort::partition(Index first, Index last) {
  const Index middle = first + (last - first) / 2;
  order_pair(first, middle);
  order_pair(middle, last);
  order_pair(first, middle);
  const double pivot = value(middle);
  Index left = first;
  Index right = last - 1;
  std::swap(at(middle), at(right));
  while (true) {
    do {
      ++left;
    } while (value(left) < pivot);
    do {
      --right;
    } while (pivot < value(right));
    if (left >= right) break;
    std::swap(at(left), at(right));
  }
  std::swap(at(left), at(last - 1));
  return left;
}

void Quicksort::insertion_sort(Index first, Index last) {
  for (Index i = first + 1; i <= last; ++i) {
    for (Index j = i; j > first && value(j) < value(j - 1); --j) std::swap(at(j), at(j - 1));
  }
}

/// Where the medians keep missing, as NumPy changes to another sort there too.
void Quicksort::stable_sort(Index first, Index last) {
  std::stable_sort(order_.begin() + first, order_.begin() + last + 1, [this](Index a, Index b) {
    return values_[static_cast<std::size_t>(a)] < values_[static_cast<std::size_t>(b)];
  });
}

std::vector<Index> Quicksort::run() {
  if (order_.empty()) return order_;
  const int most = 2 * (static_cast<int>(std::bit_width(order_.size())) - 1);
  std::vector<Part> waiting = {{0, static_cast<Index>(order_.size()) - 1, most}};
  while (!waiting.empty()) {
    auto [first, last, depth] = waiting.back();
    waiting.pop_back();
    while (last - first > kInsertionRows && depth > 0) {
      const Index place = partition(first, last);
      --depth;
      if (place - first < last - place) {
        waiting.push_back({place + 1, last, depth});
        last = place - 1;
      } else {
        waiting.push_back({first, place - 1, depth});
        first = place + 1;
      }
    }
    last - first > kInsertionRows ? stable_sort(first, last) : insertion_sort(first, last);
  }
  return order_;
}

}  // namespace

std::vector<Index> quicksort_order(std::span<const double> values) {
  return Quicksort(values).run();
}

}  // namespace einsearch
