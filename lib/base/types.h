// Integer types used everywhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace einsearch {

/// A size or a position in memory.
using Index = std::ptrdiff_t;

/// An exact count (parameters, FLOPs per sample); arithmetic on it is checked, see base/checked.h.
using Count = std::int64_t;

}  // namespace einsearch
