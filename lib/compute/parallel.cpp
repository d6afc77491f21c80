#include "compute/parallel.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/cgroup.h"

namespace einsearch {

int available_threads() {
  if (const char* text = std::getenv("SLURM_CPUS_PER_TASK"); text != nullptr) {
    const int count = std::atoi(text);
    if (count > 0) return count;
  }
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const int cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  const std::optional<double> quota = cgroup_cores();
  return quota ? std::min(cores, static_cast<int>(std::ceil(*quota))) : cores;
}

Threads::Threads(int count) : count_(count) {
  if (count > available_threads()) {
    more_than_cores_ = std::make_shared<tbb::global_control>(
        tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(count));
  }
  arena_ = std::make_shared<tbb::task_arena>(count);
}

}  // namespace einsearch
