#include "compute/parallel.h"

#include <sched.h>

#include <cstdlib>
#include <string>

namespace einsearch {

int available_threads() {
  if (const char* text = std::getenv("SLURM_CPUS_PER_TASK"); text != nullptr) {
    const int count = std::atoi(text);
    if (count > 0) return count;
  }
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return 1;
}

Threads::Threads(int count) : count_(count) {
  if (count > available_threads()) {
    more_than_cores_ = std::make_shared<tbb::global_control>(
        tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(count));
  }
  arena_ = std::make_shared<tbb::task_arena>(count);
}

}  // namespace einsearch
