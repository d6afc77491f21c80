// Parallel loops over independent work, on oneTBB.
#pragma once

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <memory>

#include "base/types.h"
#include "compute/denormals.h"

namespace einsearch {

/// Cores that this process may use: SLURM_CPUS_PER_TASK if set, otherwise its affinity mask.
int available_threads();

/// A fixed number of threads. Loops inside a loop run isolated: a thread that waits for its inner
/// loop takes no other iteration of the outer one.
class Threads {
 public:
  explicit Threads(int count);

  int count() const { return count_; }

  /// body() where oneTBB's own algorithms use these threads.
  template <typename Body>
  void run(const Body& body) const {
    arena_->execute(body);
  }

  /// Calls body(i) for every i < size, in any order; denormals are zero inside.
  template <typename Body>
  void for_each(Index size, const Body& body) const {
    if (count_ == 1 || size <= 1) {
      const DenormalsAreZero mode;
      for (Index i = 0; i < size; ++i) body(i);
      return;
    }
    arena_->execute([&] {
      tbb::this_task_arena::isolate([&] {
        tbb::parallel_for(
            Index{0},
            size,
            [&](Index i) {
              const DenormalsAreZero mode;
              body(i);
            },
            tbb::simple_partitioner());
      });
    });
  }

 private:
  int count_;
  std::shared_ptr<tbb::global_control>
      more_than_cores_;  // oneTBB's own limit is the number of cores
  std::shared_ptr<tbb::task_arena> arena_;
};

}  // namespace einsearch
