// A short, stable digest of text: FNV-1a, 64 bits, as 16 hexadecimal digits. Identifies runs; no
// protection against malice.
#pragma once

#include <string>
#include <string_view>

namespace einsearch {

std::string digest(std::string_view text);

}  // namespace einsearch
