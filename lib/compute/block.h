// Blocks of activations: (features, samples), row-major, samples contiguous. A vector register then
// holds one feature of several samples, so permutations of features are row strides and sums over
// features need no shuffles.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "base/types.h"

namespace einsearch {

/// Rows are padded to a multiple of this many samples. Kernels compute the padding lanes along with
/// the others; a gradient is zero there, so sums over samples may run over them.
inline constexpr Index kSampleLanes = 16;

constexpr Index padded_samples(Index samples) {
  return (samples + kSampleLanes - 1) / kSampleLanes * kSampleLanes;
}

/// A view of `features` rows of `samples` values; row f starts at data + f * stride, and stride >=
/// padded_samples(samples).
template <typename Scalar>
struct BlockView {
  Scalar* data = nullptr;
  Index features = 0;
  Index samples = 0;
  Index stride = 0;

  Scalar* row(Index feature) const { return data + feature * stride; }
  Index padded() const { return padded_samples(samples); }

  /// Rows first, first + step, ... (count of them).
  BlockView rows(Index first, Index count, Index step = 1) const {
    return {row(first), count, samples, stride * step};
  }

  operator BlockView<const Scalar>() const { return {data, features, samples, stride}; }
};

/// Where `bytes` of memory should start: at a vector register's multiple, large pieces at a huge
/// page's.
std::align_val_t alignment_of(std::size_t bytes);

/// Asks the system for huge pages, where there are any. Passes over a block touch a page per row or
/// two; looking up that many small pages costs a large share of the arithmetic's time.
void prefer_huge_pages(void* memory, std::size_t bytes);

/// Zero-initialised memory aligned for any vector register.
template <typename Scalar>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(Index size) : size_(size), data_(allocate(size)) {}

  Scalar* data() { return data_.get(); }
  const Scalar* data() const { return data_.get(); }
  Index size() const { return size_; }
  std::span<Scalar> span() { return {data_.get(), static_cast<std::size_t>(size_)}; }
  std::span<const Scalar> span() const { return {data_.get(), static_cast<std::size_t>(size_)}; }

 private:
  struct Free {
    std::align_val_t alignment{};
    void operator()(Scalar* memory) const { ::operator delete(memory, alignment); }
  };
  using Memory = std::unique_ptr<Scalar[], Free>;

  static Memory allocate(Index size) {
    const auto bytes = (static_cast<std::size_t>(size) * sizeof(Scalar) / 64 + 1) * 64;
    const std::align_val_t alignment = alignment_of(bytes);
    Memory values(static_cast<Scalar*>(::operator new(bytes, alignment)), Free{alignment});
    prefer_huge_pages(values.get(), bytes);
    std::uninitialized_fill_n(values.get(), bytes / sizeof(Scalar), Scalar{0});
    return values;
  }

  Index size_ = 0;
  Memory data_;
};

}  // namespace einsearch
