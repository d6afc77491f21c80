#include "base/cgroup.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace einsearch {
namespace {

/// The number that a file begins with; nothing where it says "max" or is not there.
std::optional<double> number_in(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

/// The value behind `name` in a file of lines "name value"; 0 if it is not there.
double value_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  double value = 0;
  for (std::string word; file >> word >> value;) {
    if (word == name) return value;
  }
  return 0;
}

/// Folders of this process's groups for a controller, the innermost first. Version 2 has one
/// hierarchy, version 1 one per controller; in a container either may be mounted at its own group.
std::vector<std::string> folders_of(const std::string& controller) {
  std::vector<std::string> folders;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:memory:/a/b", "0::/a/b"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    const bool is_second_version = controllers == ",,";
    if (!is_second_version &&
        controllers.find(fmt::format(",{},", controller)) == std::string::npos)
      continue;
    const std::string root = is_second_version ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controller;
    std::string group = line.substr(second + 1);
    for (; group.size() > 1; group.resize(group.rfind('/'))) folders.push_back(root + group);
    folders.push_back(root);
  }
  return folders;
}

/// Limit less use, with the names that a version has for them.
std::optional<double> room(const std::string& folder,
                           const char* limit_name,
                           const char* use_name) {
  const auto limit = number_in(folder + limit_name), used = number_in(folder + use_name);
  constexpr double kNoLimit = 0x1p62;  // version 1 writes its largest number
  if (!limit || !used || *limit > kNoLimit) return std::nullopt;
  const std::string statistics = folder + "/memory.stat";
  const double cached = value_of(statistics, "inactive_file") + value_of(statistics, "active_file");
  return std::max(0.0, *limit - *used + cached);
}

void take_least(std::optional<double>& least, std::optional<double> value) {
  if (value && (!least || *value < *least)) least = value;
}

}  // namespace

std::optional<double> cgroup_cores() {
  std::optional<double> least;
  for (const std::string& folder : folders_of("cpu")) {
    std::ifstream file(folder + "/cpu.max");  // "max 100000", "150000 100000"
    double quota = 0, period = 0;
    if (file >> quota >> period && quota > 0 && period > 0) take_least(least, quota / period);
    const auto old_quota = number_in(folder + "/cpu.cfs_quota_us");  // -1: none
    const auto old_period = number_in(folder + "/cpu.cfs_period_us");
    if (old_quota && old_period && *old_quota > 0 && *old_period > 0)
      take_least(least, *old_quota / *old_period);
  }
  return least;
}

std::optional<double> cgroup_free_bytes() {
  std::optional<double> least;
  for (const std::string& folder : folders_of("memory")) {
    take_least(least, room(folder, "/memory.max", "/memory.current"));
    take_least(least, room(folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes"));
  }
  return least;
}

}  // namespace einsearch
