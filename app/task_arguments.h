// What is learned: the options --task, --data and their kin, the same for every command that
// trains.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "task/task_spec.h"

namespace einsearch {

struct TaskArguments {
  std::string task = "regression";
  std::string data;    ///< empty: a synthetic source
  Count held_out = 0;  ///< 0: kHeldOutExamples or kHeldOutSequences
  // regression
  Count inputs = 8, target_width = 1024, target_depth = 6;
  std::string target = "relu";
  // text and tokens
  Count window = 128, vocabulary = 0, source_order = 2;
  std::string token_type;
  // pixels
  Count resolution = 8;
  bool is_gray = false;

  static constexpr Count kHeldOutExamples = 16384, kHeldOutSequences = 512;

  /// An option and the tasks that it means something to; source: only without --data.
  struct Scoped {
    CLI::Option* option;
    std::string tasks;
    bool is_of_source = false;
  };
  std::vector<Scoped> scoped = {};
};

/// Declares them on a command; `arguments` must stay where it is.
void add_task_options(CLI::App& command, TaskArguments& arguments);

/// The task that they name; opens its data. Throws Error for files that are not what the task
/// needs, and for an option that has no effect on it.
Count held_out_examples(const TaskArguments& arguments);
TaskSpec task_spec(const TaskArguments& arguments, const TaskSeeds& seeds);

}  // namespace einsearch
