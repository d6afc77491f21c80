// A task by its description: which one, and all of its options.
//
// To add a task: write its class and its options (with seed_task and seed_data), add the options to
// the variant, and say in task_spec.cpp how it is made and which text tells it from others. Data
// from files are values that the options hold; in the text they count by the digest of their
// contents, never by their path.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "task/example_set.h"
#include "task/image_model.h"
#include "task/markov.h"
#include "task/pixels.h"
#include "task/regression.h"
#include "task/task.h"
#include "task/tokens.h"

namespace einsearch {

using TaskSpec = std::variant<RegressionOptions,
                              ExampleSetOptions,
                              TokenTaskOptions,
                              MarkovOptions,
                              PixelTaskOptions,
                              ImageModelOptions>;

struct TaskSeeds {
  std::uint64_t task = 0;  ///< the target and the held-out set
  std::uint64_t data = 0;  ///< the training examples
};

TaskSeeds seeds(const TaskSpec& spec);
void set_seeds(TaskSpec& spec, const TaskSeeds& seeds);

template <typename Scalar>
std::unique_ptr<Task<Scalar>> make_task(const TaskSpec& spec);

/// Task::name() of the task that make_task() would give.
std::string task_name(const TaskSpec& spec);

/// The task's shapes: inputs and outputs of an example, and the number of token values (0: real
/// numbers).
struct TaskShape {
  Index inputs = 0;
  Index outputs = 0;
  Index vocabulary = 0;
};
TaskShape task_shape(const TaskSpec& spec);

/// Every option that changes the result.
std::string canonical_text(const TaskSpec& spec);

}  // namespace einsearch
