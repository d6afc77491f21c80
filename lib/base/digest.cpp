#include "base/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace einsearch {
namespace {

std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

}  // namespace

std::string digest(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

void ContentDigest::absorb(const std::uint8_t* stripe) {
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    std::uint64_t word = 0;
    std::memcpy(&word, stripe + 8 * lane, 8);
    lanes_[lane] = mixed(lanes_[lane], word);
  }
}

void ContentDigest::update(std::span<const std::uint8_t> bytes) {
  size_ += bytes.size();
  if (pending_size_ > 0) {
    const std::size_t taken = std::min(kStripe - pending_size_, bytes.size());
    std::copy_n(bytes.data(), taken, pending_.data() + pending_size_);
    pending_size_ += taken;
    bytes = bytes.subspan(taken);
    if (pending_size_ < kStripe) return;
    absorb(pending_.data());
    pending_size_ = 0;
  }
  for (; bytes.size() >= kStripe; bytes = bytes.subspan(kStripe)) absorb(bytes.data());
  std::copy(bytes.begin(), bytes.end(), pending_.begin());
  pending_size_ = bytes.size();
}

std::string ContentDigest::text() const {
  ContentDigest rest = *this;
  std::fill(rest.pending_.begin() + static_cast<std::ptrdiff_t>(pending_size_),
            rest.pending_.end(),
            std::uint8_t{0});
  rest.absorb(rest.pending_.data());
  std::uint64_t hash = size_;
  for (const std::uint64_t lane : rest.lanes_) hash = mixed(hash, lane);
  return fmt::format("{:016x}", hash);
}

}  // namespace einsearch
