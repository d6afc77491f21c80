// Which einsearch this is.
#pragma once

#include <string>

namespace einsearch {

/// Version, commit, compiler and instruction set, one line.
std::string version_text();

}  // namespace einsearch
