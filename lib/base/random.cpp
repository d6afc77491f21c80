#include "base/random.h"

#include <cmath>
#include <numbers>

namespace einsearch {
namespace {

/// The upper 53 bits of a word as a double in (0, 1): bin centres, so that neither end is reached.
double open_unit(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

std::uint64_t word64(const std::array<std::uint32_t, 4>& block, std::size_t half) {
  return block[2 * half] | (static_cast<std::uint64_t>(block[2 * half + 1]) << 32);
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

std::uint64_t RandomStream::bits(std::uint64_t index) const {
  return word64(block(index / 2), index % 2);
}

std::uint64_t RandomStream::below(std::uint64_t size, std::uint64_t index) const {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(bits(index)) * size) >> 64);
}

double RandomStream::uniform(std::uint64_t index) const { return open_unit(bits(index)); }

std::array<double, 2> RandomStream::normal_pair(std::uint64_t pair) const {
  const std::array<std::uint32_t, 4> words = block(pair);
  const double radius = std::sqrt(-2.0 * std::log(open_unit(word64(words, 0))));
  const double angle = 2.0 * std::numbers::pi * open_unit(word64(words, 1));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

double RandomStream::normal(std::uint64_t index) const { return normal_pair(index / 2)[index % 2]; }

template <typename Scalar>
void RandomStream::fill_normal(std::uint64_t first, std::span<Scalar> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t index = first + done;
    const std::array<double, 2> pair = normal_pair(index / 2);
    out[done++] = static_cast<Scalar>(pair[index % 2]);
    if (index % 2 == 0 && done < out.size()) out[done++] = static_cast<Scalar>(pair[1]);
  }
}

RandomPermutation::RandomPermutation(std::uint64_t seed, std::uint32_t which, std::uint64_t size)
    : stream_(seed, StreamId::permutation, which), size_(size) {
  while (half_bits_ < 32 && (std::uint64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
}

std::uint64_t RandomPermutation::operator()(std::uint64_t index) const {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  do {
    std::uint64_t left = index >> half_bits_, right = index & mask;
    for (std::uint64_t round = 0; round < 6; ++round) {
      const std::uint64_t mixed = left ^ (stream_.block(round << 32 | right)[0] & mask);
      left = right;
      right = mixed;
    }
    index = left << half_bits_ | right;
  } while (index >= size_);
  return index;
}

template void RandomStream::fill_normal<float>(std::uint64_t, std::span<float>) const;
template void RandomStream::fill_normal<double>(std::uint64_t, std::span<double>) const;

}  // namespace einsearch
