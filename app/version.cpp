#include "version.h"

#include <fmt/format.h>

#include "compute/isa.h"

namespace einsearch {

std::string version_text() {
  return fmt::format("einsearch {} (commit {}, {}, kernels x86-64-{})",
                     EINSEARCH_VERSION,
                     EINSEARCH_COMMIT,
                     EINSEARCH_COMPILER,
                     to_string(supported_isas().back()));
}

}  // namespace einsearch
