// What the control groups of Linux allow this process, of both versions and of every level above
// it.
#pragma once

#include <optional>

namespace einsearch {

/// Cores that the tightest quota is worth; none without a quota.
std::optional<double> cgroup_cores();

/// Bytes that may still be taken under the tightest limit; cached files, which the kernel gives
/// back, count as free. None without a limit.
std::optional<double> cgroup_free_bytes();

}  // namespace einsearch
