#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace einsearch {

MappedFile::MappedFile(const std::string& path) {
  const auto fail = [&path](const char* why) {
    return Error("cannot read", {.where = path, .got = why});
  };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw fail(std::strerror(errno));
  struct stat status {};
  const bool is_plain = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const auto size = static_cast<std::size_t>(is_plain ? status.st_size : 0);
  void* memory = size > 0 ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  const int cause = errno;
  close(file);
  if (!is_plain) throw fail("not a plain file");
  if (memory == MAP_FAILED) throw fail(std::strerror(cause));
  if (memory == nullptr) return;
  owner_ = std::shared_ptr<const void>(
      memory, [size](const void* start) { munmap(const_cast<void*>(start), size); });
  bytes_ = {static_cast<const std::uint8_t*>(memory), size};
}

}  // namespace einsearch
