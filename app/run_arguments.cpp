#include "run_arguments.h"

#include <algorithm>

#include "arguments.h"
#include "base/error.h"

namespace einsearch {
namespace {

/// What the paper trains a task's model with, scaled down in batch; the command line overrides it.
struct TaskDefaults {
  Count batch = 512;
  double lr = 1e-3;
  double beta2 = 0.999;
  double clip = 0;
};

TaskDefaults task_defaults(const std::string& task) {
  if (task == "regression") return {};
  if (task == "pixels") return {.batch = 64, .lr = 3e-3};
  return {.batch = 32, .lr = 3e-3, .beta2 = 0.95, .clip = 1};
}

/// The optimizer's numbers where the user names none: Adam's are the task's; the step of lion is a
/// sign, about ten times Adam's; that of plain descent is a gradient, and there is no momentum.
OptimizerOptions optimizer_options(const RunArguments& arguments, const TaskDefaults& defaults) {
  constexpr double kLionBeta2 = 0.99;
  OptimizerOptions optimizer;
  optimizer.kind = parse_optimizer(arguments.optimizer);
  optimizer.weight_decay = arguments.weight_decay;
  optimizer.clip = arguments.clip >= 0 ? arguments.clip : defaults.clip;
  optimizer.beta2 = defaults.beta2;
  if (optimizer.kind == OptimizerKind::lion) optimizer.beta2 = kLionBeta2;
  if (optimizer.kind == OptimizerKind::sgd) optimizer.beta1 = 0;
  if (optimizer.kind == OptimizerKind::sgd && arguments.beta2 >= 0)
    throw Error("--beta2 has no effect", {.where = "--optimizer sgd"});
  if (arguments.beta1 >= 0) optimizer.beta1 = arguments.beta1;
  if (arguments.beta2 >= 0) optimizer.beta2 = arguments.beta2;
  return optimizer;
}

double default_rate(const TaskDefaults& defaults, OptimizerKind kind) {
  constexpr double kLionShare = 0.1, kDescent = 0.1;
  switch (kind) {
    case OptimizerKind::adamw:
      return defaults.lr;
    case OptimizerKind::lion:
      return kLionShare * defaults.lr;
    case OptimizerKind::sgd:
      return kDescent;
  }
  return defaults.lr;
}

ModelSpec model_spec(const RunArguments& arguments, const TaskShape& shape) {
  ModelOptions common;
  common.resolve = {parse_rounding(arguments.rounding), parse_order_rule(arguments.order)};
  common.layers = parse_layer_choice(arguments.layers);
  common.has_weight_norm = arguments.has_weight_norm;
  common.has_gains = arguments.has_gains;
  if (arguments.has_gains && !arguments.has_weight_norm)
    throw Error("--gains has no effect", {.expected = "--weight-norm beside it"});
  common.aligns_heads = arguments.aligns_heads;
  if (!arguments.assigned.empty()) common.assigned = parse_assignments(arguments.assigned);
  const std::string where = "--task " + arguments.task.task;
  if (shape.vocabulary == 0) {
    if (arguments.heads > 0) throw Error("--heads has no effect", {.where = where});
    MlpOptions model{common};
    model.inputs = shape.inputs;
    model.outputs = shape.outputs;
    model.loss = parse_loss(arguments.loss);
    return model;
  }
  if (parse_loss(arguments.loss) != RegressionLoss::mse)
    throw Error("--loss has no effect", {.where = where, .expected = "--task regression"});
  if (arguments.task.task == "pixels") {
    PixelOptions model{common};
    model.vocabulary = shape.vocabulary;
    model.context = shape.inputs;
    if (arguments.heads > 0) model.heads = arguments.heads;
    return model;
  }
  GptOptions model{common};
  model.vocabulary = shape.vocabulary;
  model.context = shape.inputs;
  model.heads = arguments.heads;
  return model;
}

}  // namespace

Count default_warmup(const std::string& task, Count steps) {
  constexpr Count kLongestWarmup = 2000;
  return task == "text" || task == "tokens" ? std::min(kLongestWarmup, steps / 10) : 0;
}

RunSpec run_spec(const RunArguments& arguments, const TaskSpec& task, Count steps) {
  RunSpec spec;
  spec.task = task;
  spec.held_out = held_out_examples(arguments.task);
  spec.model = model_spec(arguments, task_shape(task));
  const TaskDefaults defaults = task_defaults(arguments.task.task);
  spec.batch = arguments.batch > 0 ? arguments.batch : defaults.batch;
  spec.optimizer = optimizer_options(arguments, defaults);
  spec.lr = arguments.lr >= 0 ? arguments.lr : default_rate(defaults, spec.optimizer.kind);
  spec.schedule.warmup =
      arguments.warmup >= 0 ? arguments.warmup : default_warmup(arguments.task.task, steps);
  spec.schedule.kind = parse_schedule(arguments.schedule);
  spec.records_per_decade = arguments.records_per_decade;
  spec.steps = steps;
  return spec;
}

void add_model_options(CLI::App& command, RunArguments& arguments) {
  const std::string group = "Model";
  add_count(command,
            "--heads",
            arguments.heads,
            "text, tokens, pixels: attention heads (of 64 features; pixels: 8)",
            {1, 1 << 20})
      ->group(group);
  command
      .add_option(
          "--layers",
          arguments.layers,
          "layers that take the structure: all, intermediate (default), all-but-last; of the "
          "transformers also ffn, attention")
      ->check(CLI::IsMember(layer_choice_names()))
      ->group(group);
  command
      .add_option(
          "--rounding", arguments.rounding, "sizes: exact (default, divisors) or paper (padding)")
      ->check(CLI::IsMember({"exact", "paper"}))
      ->group(group);
  command
      .add_option(
          "--order", arguments.order, "factor applied first: cheaper (default), a-first, b-first")
      ->check(CLI::IsMember({"cheaper", "a-first", "b-first"}))
      ->group(group);
  command
      .add_option(
          "--assign",
          arguments.assigned,
          "ROLE=S,ROLE=S,...: other structures for some layers; roles: q, k, v, o, qk, qkv, "
          "attention, up, down, ffn, head; regression also in")
      ->type_name("ROLE=S")
      ->group(group);
  command
      .add_flag("--align-heads",
                arguments.aligns_heads,
                "block tensor-trains in attention take the heads as their axes")
      ->group(group);
  command.add_flag("--weight-norm", arguments.has_weight_norm, "normalise the factors' weights")
      ->group(group);
  command
      .add_flag("--gains",
                arguments.has_gains,
                "with --weight-norm: a learned gain of each factor, but of queries and keys")
      ->group(group);
}

void add_training_options(CLI::App& command, RunArguments& arguments) {
  const std::string group = "Training";
  constexpr double kLargest = std::numeric_limits<double>::max();
  add_count(command,
            "--batch",
            arguments.batch,
            "examples per update (regression 512, text and tokens 32, pixels 64)",
            {1, 1 << 24})
      ->group(group);
  add_real(command,
           "--lr",
           arguments.lr,
           "learning rate of a dense layer at the base width: 64, or 768 of text and tokens "
           "(regression 0.001, others 0.003; a tenth for lion; 0.1 for sgd)",
           {0, kLargest})
      ->group(group);
  command.add_option("--optimizer", arguments.optimizer, "adamw (default), sgd or lion")
      ->check(CLI::IsMember(optimizer_names()))
      ->group(group);
  constexpr double kAlmostOne = 0.999999;
  add_real(command,
           "--beta1",
           arguments.beta1,
           "adamw, lion: memory of the gradient (0.9); sgd: momentum (0)",
           {0, kAlmostOne})
      ->group(group);
  add_real(command,
           "--beta2",
           arguments.beta2,
           "adamw: memory of the squared gradient (0.999; text and tokens 0.95); lion: of the "
           "gradient after the step (0.99)",
           {0, kAlmostOne})
      ->group(group);
  command.add_option("--loss", arguments.loss, "regression: mse (default) or huber")
      ->check(CLI::IsMember(loss_names()))
      ->group(group);
  command.add_option("--schedule", arguments.schedule, "constant (default), linear, cosine or wsd")
      ->check(CLI::IsMember(schedule_names()))
      ->group(group);
  add_count(command,
            "--warmup",
            arguments.warmup,
            "updates of linear warm-up (0; text and tokens: a tenth of the steps, at most 2000)",
            kNonNegative)
      ->group(group);
  add_real(command,
           "--weight-decay",
           arguments.weight_decay,
           "decoupled weight decay (0)",
           {0, kLargest})
      ->group(group);
  add_real(command,
           "--clip",
           arguments.clip,
           "largest gradient norm; 0 is none (0; text and tokens: 1)",
           {0, kLargest})
      ->group(group);
  add_count(command,
            "--records-per-decade",
            arguments.records_per_decade,
            "recorded steps per decade (8)",
            {1, 1000})
      ->group(group);
}

}  // namespace einsearch
