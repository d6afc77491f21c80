// Arrays in NumPy's .npy format, versions 1 to 3.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"

namespace einsearch {

/// Row-major, little-endian; a view of someone else's bytes.
struct NpyArray {
  std::string type;          ///< as NumPy writes it: |u1, <f4, <f8, <i8 ...
  std::vector<Count> shape;  ///< no entry is negative
  std::span<const std::uint8_t> data;

  Count size() const;

  /// Element i as a number; the type must be is_numeric().
  double number(Count i) const;
  bool is_numeric() const;
};

bool is_npy(std::span<const std::uint8_t> bytes);

/// Throws Error naming `path` for a damaged header, Fortran order, big-endian or truncated data.
NpyArray parse_npy(std::span<const std::uint8_t> bytes, const std::string& path);

}  // namespace einsearch
