#include "compute/numa.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "app/run_binary.h"
#include "compute/parallel.h"

using namespace einsearch;

namespace {

/// A folder like /sys/devices/system/node.
std::string node_folder(const std::string& name, const std::vector<std::string>& processors) {
  const std::string folder = scratch_path(name);
  for (std::size_t i = 0; i < processors.size(); ++i) {
    const std::string node = folder + "/node" + std::to_string(i);
    std::filesystem::create_directories(node);
    std::ofstream(node + "/cpulist") << processors[i] << "\n";
  }
  std::filesystem::create_directories(folder + "/power");
  std::ofstream(folder + "/online") << "0-1\n";
  return folder;
}

cpu_set_t set_of(const std::vector<int>& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int processor : processors) CPU_SET(processor, &set);
  return set;
}

cpu_set_t affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}

}  // namespace

TEST_CASE("NUMA nodes are those that have processors this process may use") {
  const std::string folder = node_folder("numa-nodes", {"0-3,8", "4-7,9", "10", "not a list", ""});
  const cpu_set_t allowed = set_of({0, 2, 5, 8, 9});
  const std::vector<cpu_set_t> nodes = numa_nodes(allowed, folder);
  REQUIRE(nodes.size() == 2);
  const cpu_set_t first = set_of({0, 2, 8}), second = set_of({5, 9});
  CHECK(CPU_EQUAL(&nodes[0], &first));
  CHECK(CPU_EQUAL(&nodes[1], &second));
  CHECK(numa_nodes(allowed, "/nowhere").empty());
}

TEST_CASE("threads are dealt to nodes by their processors") {
  const std::vector<cpu_set_t> nodes = {set_of({0, 1, 2, 3, 4, 5}), set_of({6, 7})};
  const auto share = [&](int threads) {
    std::vector<int> counts(2);
    for (int slot = 0; slot < threads; ++slot) ++counts[node_of_slot(nodes, slot, threads)];
    return counts;
  };
  CHECK(share(8) == std::vector<int>{6, 2});
  CHECK(share(4) == std::vector<int>{3, 1});
  CHECK(share(16) == std::vector<int>{12, 4});
  CHECK(share(1) == std::vector<int>{1, 0});
}

TEST_CASE("threads keep to their node while they work, and go back") {
  const cpu_set_t before = affinity();
  std::vector<std::string> processors;
  for (int i = 0; i < CPU_SETSIZE && processors.size() < 2; ++i) {
    if (CPU_ISSET(i, &before)) processors.push_back(std::to_string(i));
  }
  if (processors.size() < 2) {
    MESSAGE("skipped: one processor");
    return;
  }
  const std::string folder = node_folder("numa-pinned", processors);
  std::atomic<int> elsewhere = 0;
  {
    const Threads threads(2, folder);
    threads.for_each(200, [&](Index) {
      const int slot = tbb::this_task_arena::current_thread_index();
      const cpu_set_t own = affinity();
      if (CPU_COUNT(&own) != 1 ||
          !CPU_ISSET(std::stoi(processors[static_cast<std::size_t>(slot)]), &own))
        ++elsewhere;
    });
  }
  CHECK(elsewhere == 0);
  const cpu_set_t after = affinity();
  for (const std::string& processor : processors) CHECK(CPU_ISSET(std::stoi(processor), &after));
}
