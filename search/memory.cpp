#include "search/memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "base/cgroup.h"
#include "compute/block.h"

namespace einsearch {
namespace {

double available_on_system() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    double kib = 0;
    if (words >> name >> kib && name == "MemAvailable:") return 1024 * kib;
  }
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
}

}  // namespace

double training_bytes(const RunSpec& spec, int threads) {
  const auto model = make_model<float>(spec.model);
  const auto params = static_cast<double>(model->parameters().size());
  const TaskShape shape = task_shape(spec.task);
  const auto features = static_cast<double>(shape.inputs + shape.outputs);
  const auto samples = [](Count count) { return static_cast<double>(padded_samples(count)); };
  // values, two moments, sum of gradients, packed weights in two orders, effective weights
  const double copies = 6 + (has_weight_norm(model->parameters()) ? 1 : 0);
  const double per_thread =
      params + static_cast<double>(model->workspace_size(
                   std::min<Index>(model->block_samples(), std::max(spec.batch, spec.held_out))));
  const double floats = copies * params + threads * per_thread +
                        features * (samples(spec.batch) + samples(spec.held_out));
  return sizeof(float) * floats + sizeof(double) * static_cast<double>(spec.held_out);
}

double available_bytes() {
  const double on_system = available_on_system();
  return std::min(on_system, cgroup_free_bytes().value_or(on_system));
}

}  // namespace einsearch
