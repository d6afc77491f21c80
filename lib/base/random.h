// Counter-based random numbers: every draw is a function of (seed, stream, index), so that
// resuming, sharding and sharing draws between structures need no state. The generator is
// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace einsearch {

/// One block of Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// Streams keep draws for different purposes apart; the number is part of a result's definition,
/// never reuse one.
enum class StreamId : std::uint32_t {
  parameters = 1,       ///< initial weights; sub-stream: number of the parameter tensor
  data = 2,             ///< training examples; sub-stream 0
  task_target = 3,      ///< weights of the regression target; sub-stream: layer
  held_out = 4,         ///< held-out examples
  target_scale = 5,     ///< samples that standardise the regression target
  space_sample = 6,     ///< theta drawn from the continuous space
  exact_rank = 7,       ///< factors over a prime field
  bootstrap = 8,        ///< resampling in fits
  windows = 16,         ///< where training windows of a token stream start
  permutation = 17,     ///< orders of finite sets; sub-stream: which order (an epoch, a split)
  markov_table = 18,    ///< scores of the synthetic text source; sub-stream: lag
  markov_text = 19,     ///< its training sequences; sub-stream 1: held-out ones
  image_model = 20,     ///< offsets and scales of the synthetic image model
  image_pixels = 21,    ///< its training images; sub-stream 1: held-out ones
  search_control = 40,  ///< what a search keeps of what its prior removes
  search_order = 41,    ///< orders of the random strategy; sub-stream: rung
  confirmation = 42,    ///< draws of confirmed multipliers
  surrogate = 43,       ///< structures among which a surrogate chooses; sub-stream: round
};

/// A family of independent draws, addressed by index. 2^64 words per (seed, stream, sub-stream).
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, StreamId stream, std::uint32_t sub_stream = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        stream_(static_cast<std::uint32_t>(stream)),
        sub_stream_(sub_stream) {}

  /// Words 4 * block ... 4 * block + 3.
  std::array<std::uint32_t, 4> block(std::uint64_t block) const {
    return philox4x32({static_cast<std::uint32_t>(block),
                       static_cast<std::uint32_t>(block >> 32),
                       sub_stream_,
                       stream_},
                      key_);
  }

  /// 64 random bits; two draws share a block.
  std::uint64_t bits(std::uint64_t index) const;

  /// Uniform on 0 ... size - 1 (the upper half of a 128-bit product; the bias is below size /
  /// 2^64).
  std::uint64_t below(std::uint64_t size, std::uint64_t index) const;

  /// Uniform on the open interval (0, 1), 53 bits.
  double uniform(std::uint64_t index) const;

  /// Standard normal (Box-Muller; draws 2i and 2i + 1 share a block).
  double normal(std::uint64_t index) const;

  /// Standard normals number first ... first + out.size() - 1; equal to calling normal() for each.
  template <typename Scalar>
  void fill_normal(std::uint64_t first, std::span<Scalar> out) const;

 private:
  std::array<double, 2> normal_pair(std::uint64_t pair) const;

  std::array<std::uint32_t, 2> key_;
  std::uint32_t stream_;
  std::uint32_t sub_stream_;
};

/// A permutation of 0 ... size - 1 in constant memory: a Feistel network of six rounds on the
/// smallest even number of bits that holds `size`, applied again while it leads outside.
class RandomPermutation {
 public:
  RandomPermutation(std::uint64_t seed, std::uint32_t which, std::uint64_t size);

  std::uint64_t operator()(std::uint64_t index) const;

 private:
  RandomStream stream_;
  std::uint64_t size_;
  int half_bits_ = 1;
};

}  // namespace einsearch
