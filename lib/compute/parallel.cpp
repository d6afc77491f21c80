#include "compute/parallel.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/cgroup.h"

namespace einsearch {
namespace {

/// None where the system does not say.
cpu_set_t allowed_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) CPU_ZERO(&allowed);
  return allowed;
}

}  // namespace

int available_threads() {
  if (const char* text = std::getenv("SLURM_CPUS_PER_TASK"); text != nullptr) {
    const int count = std::atoi(text);
    if (count > 0) return count;
  }
  const cpu_set_t allowed = allowed_processors();
  const int cores = std::max(1, CPU_COUNT(&allowed));
  const std::optional<double> quota = cgroup_cores();
  return quota ? std::min(cores, static_cast<int>(std::ceil(*quota))) : cores;
}

Threads::Threads(int count, const std::string& numa_folder) : count_(count) {
  if (count > available_threads()) {
    more_than_cores_ = std::make_shared<tbb::global_control>(
        tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(count));
  }
  arena_ = std::make_shared<tbb::task_arena>(count);
  std::vector<cpu_set_t> nodes = numa_nodes(allowed_processors(), numa_folder);
  if (count > 1 && nodes.size() > 1)
    pinning_ = std::make_shared<NodePinning>(*arena_, std::move(nodes), count);
}

}  // namespace einsearch
