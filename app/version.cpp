#include "version.h"

#include <fmt/format.h>

namespace einsearch {

std::string version_text() {
  return fmt::format("einsearch {} (commit {}, {}, x86-64-v3)",
                     EINSEARCH_VERSION,
                     EINSEARCH_COMMIT,
                     EINSEARCH_COMPILER);
}

}  // namespace einsearch
