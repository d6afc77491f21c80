// Files that appear whole or not at all: text goes to a temporary file beside the target, which is
// synced and renamed.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace einsearch {

/// Collects text for `path`; commit() puts it there. Without commit() (an error, an exception)
/// nothing is left behind and an older file stays as it was. Throws Error when the folder cannot be
/// written, SystemError when the disk is full.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view text);
  void commit();

 private:
  [[noreturn]] void fail(const char* doing);

  std::string path_;
  std::string temporary_;  // empty: path_ is a device or a pipe, written directly
  std::FILE* file_ = nullptr;
  int slot_ = -1;  // among the names that remove_unfinished_files() knows
};

/// Removes the temporary files of every AtomicFile that is open. For a signal handler that ends the
/// program: it calls nothing but unlink().
void remove_unfinished_files();

/// AtomicFile for a text that is at hand.
void write_file(const std::string& path, std::string_view text);

}  // namespace einsearch
