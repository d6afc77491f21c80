#include "compute/block.h"

#include <sys/mman.h>

namespace einsearch {
namespace {

constexpr std::size_t kVector = 64, kHugePage = std::size_t{1} << 21;

}  // namespace

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes >= kHugePage ? kHugePage : kVector};
}

void prefer_huge_pages(void* memory, std::size_t bytes) {
  // Advice: a system without huge pages refuses it, and nothing is lost.
  if (bytes >= kHugePage) ::madvise(memory, bytes, MADV_HUGEPAGE);
}

}  // namespace einsearch
