// How a model is trained: the options that every command that trains has in common, beside those of
// the task.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "task_arguments.h"
#include "train/run_spec.h"

namespace einsearch {

struct RunArguments {
  TaskArguments task;
  // model
  Count heads = 0;  ///< 0: the model's own number
  std::string layers = "intermediate", rounding = "exact", order = "cheaper";
  bool has_weight_norm = false, has_gains = false, aligns_heads = false;
  std::string assigned;  ///< ROLE=S,..., see parse_assignments()
  // training; -1: the task's own, see TaskDefaults
  Count batch = -1, warmup = -1;
  double lr = -1, clip = -1, beta1 = -1, beta2 = -1;
  std::string optimizer = "adamw";
  double weight_decay = 0;
  std::string loss = "mse", schedule = "constant";
  Count records_per_decade = 8;
};

/// Declare them on a command; `arguments` must stay where it is. add_task_options() declares the
/// task's.
void add_model_options(CLI::App& command, RunArguments& arguments);
void add_training_options(CLI::App& command, RunArguments& arguments);

/// Everything but structure, width, depth, steps and seed_init: those stay as RunSpec has them.
/// `steps` is what a default warm-up depends on. Throws Error for an option without effect.
RunSpec run_spec(const RunArguments& arguments, const TaskSpec& task, Count steps);

/// Updates of warm-up where the user names none.
Count default_warmup(const std::string& task, Count steps);

}  // namespace einsearch
