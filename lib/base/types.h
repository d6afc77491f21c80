// Number types and values used everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace einsearch {

/// A size or a position in memory.
using Index = std::ptrdiff_t;

/// An exact count (parameters, FLOPs per sample); arithmetic on it is checked, see base/checked.h.
using Count = std::int64_t;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A number that is not known.
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

}  // namespace einsearch
