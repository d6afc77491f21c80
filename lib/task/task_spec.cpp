#include "task/task_spec.h"

#include <fmt/format.h>

namespace einsearch {
namespace {

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make(const RegressionOptions& options) {
  return std::make_unique<RegressionTask<Scalar>>(options);
}

std::string name_of(const RegressionOptions&) { return "regression"; }

std::string text_of(const RegressionOptions& options) {
  return fmt::format("inputs={} target_width={} target_depth={}",
                     options.inputs,
                     options.target_width,
                     options.target_depth);
}

}  // namespace

TaskSeeds seeds(const TaskSpec& spec) {
  return std::visit(
      [](const auto& options) {
        return TaskSeeds{options.seed_task, options.seed_data};
      },
      spec);
}

void set_seeds(TaskSpec& spec, const TaskSeeds& seeds) {
  std::visit(
      [&](auto& options) {
        options.seed_task = seeds.task;
        options.seed_data = seeds.data;
      },
      spec);
}

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make_task(const TaskSpec& spec) {
  return std::visit([](const auto& options) { return make<Scalar>(options); }, spec);
}

std::string task_name(const TaskSpec& spec) {
  return std::visit([](const auto& options) { return name_of(options); }, spec);
}

std::string canonical_text(const TaskSpec& spec) {
  const std::string own = std::visit([](const auto& options) { return text_of(options); }, spec);
  return fmt::format("task={} {} seed_task={} seed_data={}",
                     task_name(spec),
                     own,
                     seeds(spec).task,
                     seeds(spec).data);
}

template std::unique_ptr<Task<float>> make_task<float>(const TaskSpec&);
template std::unique_ptr<Task<double>> make_task<double>(const TaskSpec&);

}  // namespace einsearch
