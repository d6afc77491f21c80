// A file's bytes, read-only, mapped into memory: gigabytes open at once and are shared between
// processes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace einsearch {

class MappedFile {
 public:
  /// Throws Error where the file cannot be read or is a folder.
  explicit MappedFile(const std::string& path);

  std::span<const std::uint8_t> bytes() const { return bytes_; }

  /// Keeps the mapping alive for views that outlive this.
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::shared_ptr<const void> owner_;
};

}  // namespace einsearch
