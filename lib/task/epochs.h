// The order in which a finite set of examples is seen: one random permutation after another.
#pragma once

#include <optional>

#include "base/random.h"
#include "base/types.h"

namespace einsearch {

/// Walks through examples in order of their number: place(i) is where the set holds example i of an
/// endless stream, i / size being the epoch. Cheap to make; place() of one epoch after another
/// shares the permutation.
class EpochOrder {
 public:
  EpochOrder(std::uint64_t seed, Count size) : seed_(seed), size_(size) {}

  Count place(Count example) {
    const Count epoch = example / size_;
    if (!order_ || epoch != epoch_) {
      epoch_ = epoch;
      order_.emplace(seed_,
                     kFirstEpoch + static_cast<std::uint32_t>(epoch),
                     static_cast<std::uint64_t>(size_));
    }
    return static_cast<Count>((*order_)(static_cast<std::uint64_t>(example % size_)));
  }

 private:
  std::uint64_t seed_;
  Count size_;
  Count epoch_ = 0;
  std::optional<RandomPermutation> order_;

 public:
  /// Numbers of permutations: 0 splits sets or orders held-out ones, the rest are epochs.
  static constexpr std::uint32_t kSplit = 0, kFirstEpoch = 1;
};

}  // namespace einsearch
