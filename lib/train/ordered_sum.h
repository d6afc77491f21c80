// The sum of the gradients of a batch's chunks, whose order is part of the result: threads work on
// chunks side by side, and what they finish is added in the order of chunks. A thread that is
// slower than the others does not hold them up before all buffers are in use. The first chunk's
// gradient is written where the sum will be.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "compute/block.h"
#include "compute/elementwise.h"

namespace einsearch {

/// A batch has at most so many chunks.
inline constexpr Index kMaxChunks = 8;

template <typename Scalar>
class OrderedSum {
 public:
  struct Chunk {
    Index number;
    Scalar* gradient;
  };

  /// `spare`: buffers of the size of the sum, one per thread, at least one if there are more chunks
  /// than one.
  OrderedSum(AlignedBuffer<Scalar>& sum,
             std::vector<AlignedBuffer<Scalar>>& spare,
             std::size_t chunks)
      : sum_(sum), chunks_(chunks) {
    for (AlignedBuffer<Scalar>& buffer : spare) {
      if (idle_count_ < kMaxChunks) idle_[idle_count_++] = buffer.data();
    }
  }

  /// The next chunk, as soon as there is a buffer for it; nothing when all have been taken.
  std::optional<Chunk> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return taken_ == 0 || taken_ == chunks_ || idle_count_ > 0; });
    if (taken_ == chunks_) return std::nullopt;
    Scalar* gradient = taken_ == 0 ? sum_.data() : idle_[--idle_count_];
    return Chunk{static_cast<Index>(taken_++), gradient};
  }

  /// Adds all finished chunks that are next, unless another thread is about it.
  void finish(const Chunk& chunk) {
    std::unique_lock lock(mutex_);
    finished_[static_cast<std::size_t>(chunk.number)] = chunk.gradient;
    if (is_adding_) return;
    is_adding_ = true;
    for (; added_ < chunks_ && finished_[added_] != nullptr; ++added_) {
      Scalar* part = finished_[added_];
      if (added_ > 0) {
        lock.unlock();
        elementwise<Scalar>().accumulate(part, sum_.data(), sum_.size());
        lock.lock();
        idle_[idle_count_++] = part;
      }
      changed_.notify_all();
    }
    is_adding_ = false;
  }

 private:
  AlignedBuffer<Scalar>& sum_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Scalar*, kMaxChunks> idle_{}, finished_{};
  std::size_t chunks_, idle_count_ = 0, taken_ = 0, added_ = 0;
  bool is_adding_ = false;
};

}  // namespace einsearch
