#include "compute/numa.h"

#include <tbb/task_arena.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>

namespace einsearch {
namespace {

/// "0-3,8,10-11"; what cannot be read is passed over.
cpu_set_t read_processors(const std::string& path) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::ifstream file(path);
  std::string part;
  while (std::getline(file, part, ',')) {
    const char* const end = part.data() + part.size();
    int first = -1, last = -1;
    const auto [after, fault] = std::from_chars(part.data(), end, first);
    if (fault != std::errc()) continue;
    last = first;
    if (after != end && *after == '-') std::from_chars(after + 1, end, last);
    for (int i = std::max(first, 0); i <= std::min(last, CPU_SETSIZE - 1); ++i) CPU_SET(i, &set);
  }
  return set;
}

}  // namespace

std::vector<cpu_set_t> numa_nodes(const cpu_set_t& allowed, const std::string& folder) {
  std::map<int, cpu_set_t> nodes;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename().string();
    int number = -1;
    if (!name.starts_with("node")) continue;
    std::from_chars(name.data() + 4, name.data() + name.size(), number);
    if (number < 0) continue;
    cpu_set_t own = read_processors(entry.path() / "cpulist");
    CPU_AND(&own, &own, &allowed);
    if (CPU_COUNT(&own) > 0) nodes[number] = own;
  }
  std::vector<cpu_set_t> list;
  for (const auto& [number, own] : nodes) list.push_back(own);
  return list;
}

std::size_t node_of_slot(const std::vector<cpu_set_t>& nodes, int slot, int threads) {
  long processors = 0;
  for (const cpu_set_t& node : nodes) processors += CPU_COUNT(&node);
  long place = slot % threads * processors / threads;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    place -= CPU_COUNT(&nodes[i]);
    if (place < 0) return i;
  }
  return nodes.size() - 1;
}

NodePinning::NodePinning(tbb::task_arena& arena, std::vector<cpu_set_t> nodes, int threads)
    : tbb::task_scheduler_observer(arena), nodes_(std::move(nodes)), threads_(threads) {
  CPU_ZERO(&everywhere_);
  for (const cpu_set_t& node : nodes_) CPU_OR(&everywhere_, &everywhere_, &node);
  observe(true);
}

NodePinning::~NodePinning() { observe(false); }

void NodePinning::on_scheduler_entry(bool /*is_worker*/) {
  const int slot = tbb::this_task_arena::current_thread_index();
  if (slot < 0) return;
  const cpu_set_t& node = nodes_[node_of_slot(nodes_, slot, threads_)];
  sched_setaffinity(0, sizeof node, &node);  // a refusal costs speed alone
}

void NodePinning::on_scheduler_exit(bool /*is_worker*/) {
  sched_setaffinity(0, sizeof everywhere_, &everywhere_);
}

}  // namespace einsearch
