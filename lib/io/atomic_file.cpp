#include "io/atomic_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace einsearch {
namespace {

/// Names of temporary files where a signal handler may read them: fixed memory, no locks.
struct Slot {
  std::atomic<bool> is_taken{false};
  std::atomic<bool> is_named{false};
  std::array<char, PATH_MAX> name;
};
std::array<Slot, 16> unfinished;

/// The slot that now holds `name`, or -1 when there is none left.
int remember(const std::string& name) {
  for (std::size_t i = 0; i < unfinished.size(); ++i) {
    Slot& slot = unfinished[i];
    if (name.size() >= slot.name.size() || slot.is_taken.exchange(true)) continue;
    std::memcpy(slot.name.data(), name.c_str(), name.size() + 1);
    slot.is_named = true;
    return static_cast<int>(i);
  }
  return -1;
}

void forget(int index) {
  if (index < 0) return;
  Slot& slot = unfinished[static_cast<std::size_t>(index)];
  slot.is_named = false;
  slot.is_taken = false;
}

}  // namespace

void remove_unfinished_files() {
  for (const Slot& slot : unfinished) {
    if (slot.is_named) unlink(slot.name.data());
  }
}

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
  if (!is_special) slot_ = remember(temporary_);
  file_ = std::fopen((is_special ? path_ : temporary_).c_str(), "wb");
  if (file_ != nullptr) return;
  const int cause = errno;
  forget(slot_);
  throw Error("cannot write", {.where = path_, .got = std::strerror(cause)});
}

AtomicFile::~AtomicFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  if (!temporary_.empty()) std::remove(temporary_.c_str());
  forget(slot_);
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
  const bool is_done =
      is_closed && (is_special || std::rename(temporary_.c_str(), path_.c_str()) == 0);
  const int cause = errno;
  forget(slot_);
  if (is_done) return;
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
