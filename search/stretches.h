// A list cut into stretches of equal length, the last one perhaps shorter.
#pragma once

#include <algorithm>
#include <cstddef>

namespace einsearch {

struct Stretches {
  std::size_t size;    ///< of the list
  std::size_t length;  ///< of a stretch, at least 1

  /// Numbers from begin to before end.
  struct Stretch {
    std::size_t begin;
    std::size_t end;
  };

  std::size_t count() const { return (size + length - 1) / length; }
  Stretch operator[](std::size_t i) const { return {i * length, std::min(size, (i + 1) * length)}; }
};

}  // namespace einsearch
