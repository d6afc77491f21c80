// Files that may be compressed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/mapped_file.h"

namespace einsearch {

/// The bytes of a file; of a gzip file, what it holds. Throws Error where the file cannot be read,
/// or its compressed data are damaged or end early.
class PlainBytes {
 public:
  explicit PlainBytes(const std::string& path);

  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  MappedFile file_;
  std::vector<std::uint8_t> inflated_;
  std::span<const std::uint8_t> bytes_;
};

}  // namespace einsearch
