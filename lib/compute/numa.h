// Memory near its thread: on machines with several NUMA nodes each thread stays on the processors
// of one, so that the memory it touches first, and the runs it makes, lie there.
#pragma once

#include <sched.h>
#include <tbb/task_scheduler_observer.h>

#include <string>
#include <vector>

namespace einsearch {

inline constexpr const char* kNumaFolder = "/sys/devices/system/node";

/// Processors of each node out of `allowed`, in the order of the nodes' numbers; nodes without any
/// are left out. Empty where the system does not say.
std::vector<cpu_set_t> numa_nodes(const cpu_set_t& allowed, const std::string& folder);

/// The node of thread `slot` of `threads`: threads are dealt to nodes by how many processors they
/// have, neighbouring threads to the same.
std::size_t node_of_slot(const std::vector<cpu_set_t>& nodes, int slot, int threads);

/// Keeps the threads of an arena on their nodes while they are in it.
class NodePinning : public tbb::task_scheduler_observer {
 public:
  /// `nodes` are at least two; `threads` is the arena's number.
  NodePinning(tbb::task_arena& arena, std::vector<cpu_set_t> nodes, int threads);
  ~NodePinning() override;
  NodePinning(const NodePinning&) = delete;
  NodePinning& operator=(const NodePinning&) = delete;

  void on_scheduler_entry(bool is_worker) override;
  void on_scheduler_exit(bool is_worker) override;

 private:
  std::vector<cpu_set_t> nodes_;
  cpu_set_t everywhere_;  ///< where threads go back to
  int threads_;
};

}  // namespace einsearch
