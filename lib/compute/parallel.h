// Parallel loops over independent work, on oneTBB.
#pragma once

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <memory>
#include <string>

#include "base/types.h"
#include "compute/denormals.h"
#include "compute/numa.h"

namespace einsearch {

/// Cores that this process may use: SLURM_CPUS_PER_TASK if set, otherwise the lesser of its
/// affinity mask and its cgroup's quota.
int available_threads();

/// A fixed number of threads. Loops inside a loop run isolated: a thread that waits for its inner
/// loop takes no other iteration of the outer one.
class Threads {
 public:
  /// On several NUMA nodes, as `numa_folder` lists them, every thread keeps to one.
  explicit Threads(int count, const std::string& numa_folder = kNumaFolder);

  int count() const { return count_; }

  /// The same threads, for one of several long loops that run side by side on them: its inner loops
  /// stay on their own thread while `idle`, the number of threads without work, is 0. `idle` must
  /// outlive the result.
  Threads when_idle(const std::atomic<int>& idle) const {
    Threads result = *this;
    result.idle_ = &idle;
    return result;
  }

  /// body() where oneTBB's own algorithms use these threads.
  template <typename Body>
  void run(const Body& body) const {
    arena_->execute(body);
  }

  /// Calls body(i) for every i < size, in any order; denormals are zero inside.
  template <typename Body>
  void for_each(Index size, const Body& body) const {
    if (count_ == 1 || size <= 1 || is_alone()) {
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

  /// The outermost loop, over work that has inner loops on these threads: like for_each(), but a
  /// thread without an iteration helps the inner loops of the others, whoever it is.
  template <typename Body>
  void for_each_outer(Index size, const Body& body) const {
    if (count_ == 1 || size <= 1) {
      for (Index i = 0; i < size; ++i) body(i);
      return;
    }
    arena_->execute([&] {
      tbb::parallel_for(
          Index{0}, size, [&](Index i) { body(i); }, tbb::simple_partitioner());
    });
  }

 private:
  bool is_alone() const { return idle_ != nullptr && idle_->load(std::memory_order_relaxed) == 0; }

  int count_;
  const std::atomic<int>* idle_ = nullptr;
  std::shared_ptr<tbb::global_control>
      more_than_cores_;  // oneTBB's own limit is the number of cores
  std::shared_ptr<tbb::task_arena> arena_;
  std::shared_ptr<NodePinning> pinning_;  // null: one node
};

}  // namespace einsearch
