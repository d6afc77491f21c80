// Short, stable digests of 64 bits as 16 hexadecimal digits. They tell runs and data sets apart; no
// protection against malice.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace einsearch {

/// FNV-1a of a text.
std::string digest(std::string_view text);

/// Digest of bytes that arrive in pieces; it does not depend on where the pieces are cut. Four
/// lanes take a word of eight bytes each in turn, so that gigabytes pass at the speed of memory.
class ContentDigest {
 public:
  void update(std::span<const std::uint8_t> bytes);
  std::string text() const;

 private:
  static constexpr std::size_t kStripe = 32;

  void absorb(const std::uint8_t* stripe);

  std::array<std::uint64_t, 4> lanes_ = {1, 2, 3, 4};
  std::array<std::uint8_t, kStripe> pending_ = {};
  std::size_t pending_size_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace einsearch
