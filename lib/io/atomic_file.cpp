#include "io/atomic_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace einsearch {

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.{}.tmp", path_, getpid())) {
  file_ = std::fopen(temporary_.c_str(), "wb");
  if (file_ == nullptr) {
    throw Error("cannot write", {.where = path_, .got = std::strerror(errno)});
  }
}

AtomicFile::~AtomicFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::remove(temporary_.c_str());
}

void AtomicFile::fail(const char* doing) {
  throw SystemError(std::string("cannot ") + doing, {.where = path_, .got = std::strerror(errno)});
}

void AtomicFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail("write");
}

void AtomicFile::commit() {
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) fail("write");
  const bool is_closed = std::fclose(file_) == 0;
  file_ = nullptr;
  if (!is_closed || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int cause = errno;
    std::remove(temporary_.c_str());
    errno = cause;
    fail("write");
  }
}

void write_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace einsearch
