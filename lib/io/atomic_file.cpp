#include "io/atomic_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace einsearch {

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  namespace fs = std::filesystem;
  if (path_.empty()) throw Error("cannot write", {.got = "an empty file name"});
  std::error_code ignored;
  if (fs::is_symlink(path_, ignored)) path_ = fs::weakly_canonical(path_, ignored).string();
  const fs::file_status status = fs::status(path_, ignored);
  if (fs::is_directory(status)) throw Error("cannot write", {.where = path_, .got = "a folder"});
  // A device or a pipe is written as it is: a rename would put a plain file in its place.
  const bool is_special = fs::exists(status) && !fs::is_regular_file(status);
  if (!is_special) temporary_ = fmt::format("{}.{}.tmp", path_, getpid());
  file_ = std::fopen((is_special ? path_ : temporary_).c_str(), "wb");
  if (file_ == nullptr) throw Error("cannot write", {.where = path_, .got = std::strerror(errno)});
}

AtomicFile::~AtomicFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  if (!temporary_.empty()) std::remove(temporary_.c_str());
}

void AtomicFile::fail(const char* doing) {
  throw SystemError(std::string("cannot ") + doing, {.where = path_, .got = std::strerror(errno)});
}

void AtomicFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail("write");
}

void AtomicFile::commit() {
  const bool is_special = temporary_.empty();
  if (std::fflush(file_) != 0 || (!is_special && fsync(fileno(file_)) != 0)) fail("write");
  const bool is_closed = std::fclose(file_) == 0;
  file_ = nullptr;
  if (is_closed && (is_special || std::rename(temporary_.c_str(), path_.c_str()) == 0)) return;
  const int cause = errno;
  if (!is_special) std::remove(temporary_.c_str());
  errno = cause;
  fail("write");
}

void write_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace einsearch
