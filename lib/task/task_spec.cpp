#include "task/task_spec.h"

#include <fmt/format.h>

namespace einsearch {
namespace {

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make(const RegressionOptions& options) {
  return std::make_unique<RegressionTask<Scalar>>(options);
}

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make(const ExampleSetOptions& options) {
  return std::make_unique<ExampleSetTask<Scalar>>(options);
}

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make(const TokenTaskOptions& options) {
  return std::make_unique<TokenTask<Scalar>>(options);
}

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make(const MarkovOptions& options) {
  return std::make_unique<MarkovTask<Scalar>>(options);
}

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make(const PixelTaskOptions& options) {
  return std::make_unique<PixelTask<Scalar>>(options);
}

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make(const ImageModelOptions& options) {
  return std::make_unique<ImageModelTask<Scalar>>(options);
}

std::string name_of(const RegressionOptions&) { return "regression"; }
std::string name_of(const ExampleSetOptions&) { return "regression"; }
std::string name_of(const TokenTaskOptions& options) { return options.name; }
std::string name_of(const MarkovOptions&) { return "text"; }
std::string name_of(const PixelTaskOptions&) { return "pixels"; }
std::string name_of(const ImageModelOptions&) { return "pixels"; }

TaskShape shape_of(const RegressionOptions& options) { return {options.inputs, 1, 0}; }
TaskShape shape_of(const ExampleSetOptions& options) {
  return {options.data->training.inputs, options.data->training.outputs, 0};
}
TaskShape shape_of(const TokenTaskOptions& options) {
  return {options.window, options.window, options.data.vocabulary};
}
TaskShape shape_of(const MarkovOptions& options) {
  return {options.window, options.window, kTextVocabulary};
}
TaskShape shape_of(const PixelTaskOptions& options) {
  return {options.data->training.values(), options.data->training.values(), kPixelValues};
}
TaskShape shape_of(const ImageModelOptions& options) {
  const Index pixels = options.side * options.side * options.channels;
  return {pixels, pixels, kPixelValues};
}

std::string text_of(const RegressionOptions& options) {
  const char* target = options.target == RegressionTarget::relu ? "" : " target=sine";
  return fmt::format("inputs={} target_width={} target_depth={}{}",
                     options.inputs,
                     options.target_width,
                     options.target_depth,
                     target);
}

std::string text_of(const ExampleSetOptions& options) {
  return fmt::format("data={}", options.data->digest);
}

std::string text_of(const TokenTaskOptions& options) {
  return fmt::format("data={} vocabulary={} window={}",
                     options.data.digest,
                     options.data.vocabulary,
                     options.window);
}

std::string text_of(const MarkovOptions& options) {
  return fmt::format("source=markov order={} window={}", options.order, options.window);
}

std::string text_of(const PixelTaskOptions& options) {
  return fmt::format("data={}", options.data->digest);
}

std::string text_of(const ImageModelOptions& options) {
  return fmt::format("source=image-model side={} channels={}", options.side, options.channels);
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

TaskShape task_shape(const TaskSpec& spec) {
  return std::visit([](const auto& options) { return shape_of(options); }, spec);
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
