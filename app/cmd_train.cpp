// einsearch train: one run, its learning curve on stdout.
#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "io/curve_csv.h"
#include "log.h"
#include "output.h"
#include "progress.h"
#include "structure/candidate.h"
#include "structure/notation.h"
#include "task_arguments.h"
#include "train/run.h"

namespace einsearch {
namespace {

struct TrainOptions {
  RunSpec spec;
  ModelOptions model;
  std::string structure;
  TaskArguments task;
  std::string loss = "mse";
  std::string schedule = "constant";
  std::string layers = "intermediate";
  std::string rounding = "exact";
  std::string order = "cheaper";
  Count seed = 0, seed_init = -1, seed_data = -1, seed_task = 0;
  Count schedule_steps = 0;
  Count heads = 0;                // 0: the model's own number
  Count batch = -1, warmup = -1;  // -1: the task's, see TaskDefaults
  double lr = -1, clip = -1;
  Count threads = 0;
  bool leaves_out_times = false;
  OutputOptions output;
};

/// What the paper trains a task's model with, scaled down in batch; the command line overrides it.
struct TaskDefaults {
  Count batch = 512;
  double lr = 1e-3;
  double beta2 = 0.999;
  double clip = 0;
  Count warmup = 0;
};

TaskDefaults task_defaults(const std::string& task, Count steps) {
  constexpr Count kLongestWarmup = 2000;
  if (task == "regression") return {};
  if (task == "pixels") return {.batch = 64, .lr = 3e-3};
  return {.batch = 32,
          .lr = 3e-3,
          .beta2 = 0.95,
          .clip = 1,
          .warmup = std::min(kLongestWarmup, steps / 10)};
}

ModelSpec model_spec(const TrainOptions& options, const TaskShape& shape) {
  ModelOptions common = options.model;
  const ModelStructure structure = parse_model_structure(options.structure);
  common.structure = structure.structure;
  common.mixture = structure.mixture;
  common.resolve = {parse_rounding(options.rounding), parse_order_rule(options.order)};
  common.layers = parse_layer_choice(options.layers);
  const std::string where = "--task " + options.task.task;
  if (shape.vocabulary == 0) {
    if (options.heads > 0) throw Error("--heads has no effect", {.where = where});
    MlpOptions model{common};
    model.inputs = shape.inputs;
    model.outputs = shape.outputs;
    model.loss = parse_loss(options.loss);
    return model;
  }
  if (parse_loss(options.loss) != RegressionLoss::mse)
    throw Error("--loss has no effect", {.where = where, .expected = "--task regression"});
  if (options.task.task == "pixels") {
    PixelOptions model{common};
    model.vocabulary = shape.vocabulary;
    model.context = shape.inputs;
    if (options.heads > 0) model.heads = options.heads;
    return model;
  }
  GptOptions model{common};
  model.vocabulary = shape.vocabulary;
  model.context = shape.inputs;
  model.heads = options.heads;
  return model;
}

RunSpec run_spec(const TrainOptions& options) {
  RunSpec spec = options.spec;
  const auto or_seed = [&](Count seed) {
    return static_cast<std::uint64_t>(seed >= 0 ? seed : options.seed);
  };
  spec.task = task_spec(
      options.task,
      {.task = static_cast<std::uint64_t>(options.seed_task), .data = or_seed(options.seed_data)});
  spec.held_out = held_out_examples(options.task);
  spec.model = model_spec(options, task_shape(spec.task));
  spec.seed_init = or_seed(options.seed_init);
  const TaskDefaults defaults = task_defaults(options.task.task, spec.steps);
  spec.batch = options.batch > 0 ? options.batch : defaults.batch;
  spec.lr = options.lr >= 0 ? options.lr : defaults.lr;
  spec.optimizer.beta2 = defaults.beta2;
  spec.optimizer.clip = options.clip >= 0 ? options.clip : defaults.clip;
  spec.schedule.warmup = options.warmup >= 0 ? options.warmup : defaults.warmup;
  spec.schedule.kind = parse_schedule(options.schedule);
  if (options.schedule_steps > 0 && spec.schedule.kind == ScheduleKind::constant) {
    throw Error("--schedule-steps has no effect",
                {.where = "--schedule constant", .expected = "--schedule linear, cosine or wsd"});
  }
  spec.schedule.steps = options.schedule_steps > 0 ? options.schedule_steps : spec.steps;
  validate(spec);
  return spec;
}

/// At some widths (primes above all) no divisors are near theta: the layers run, but they are
/// another structure.
void warn_of_distant_sizes(const RunSpec& spec) {
  const ModelOptions& options = model_options(spec.model);
  if (options.structure.is_dense) return;
  for (const auto& [d_in, d_out] : structured_layers(spec.model)) {
    const Candidate layer =
        WidthResolver(d_in, d_out, options.resolve).at_any_quality(options.structure);
    if (layer.quality.is_valid()) continue;
    log_warning(
        fmt::format("sizes of the layers {} -> {} are {:.2g} octaves from theta, this is not the "
                    "structure that was named (other widths, or --rounding paper)",
                    d_in,
                    d_out,
                    layer.quality.rounding_error));
  }
}

int train_run(const TrainOptions& options) {
  const RunSpec spec = run_spec(options);
  describe(spec);  // a structure that does not fit is an error before anything is written
  warn_of_distant_sizes(spec);
  const int count = options.threads > 0 ? static_cast<int>(options.threads) : available_threads();
  const Threads threads(count);
  const TimeColumns times = options.leaves_out_times ? TimeColumns::left_out : TimeColumns::written;

  Output output(options.output.path);
  TableWriter table(chosen_format(options.output), curve_csv_columns(times), output.sink());
  Progress progress("train");
  RunObserver observer;
  Count step = 0;
  observer.should_stop = [&] {
    ++step;
    progress.update(static_cast<double>(step) / static_cast<double>(spec.steps),
                    fmt::format("{}/{} steps", step, spec.steps));
    return false;
  };
  observer.on_record = [&](const Curve& curve) {
    write_curve_row(table, curve, curve.points.back(), times);
    table.flush();
    output.flush();
  };
  const std::unique_ptr<Task<float>> task = make_task<float>(spec.task);
  if (const std::optional<double> entropy = task->entropy())
    log_info(
        fmt::format("no loss can be below the source's entropy, {:.4f} nats per token", *entropy));
  const Curve curve = train<float>(spec, *task, threads, observer);
  progress.clear();
  table.finish();
  output.finish();
  const CurvePoint& last = curve.points.back();
  if (last.status == RunStatus::diverged) {
    log_warning(fmt::format(
        "diverged by step {} of {}: the loss is no longer finite", last.step, spec.steps));
  }
  return kDone;
}

void add_model_options(CLI::App& command, TrainOptions& options) {
  const std::string group = "Model";
  constexpr Range<Count> kSize{1, 1 << 20};
  command
      .add_option("--structure",
                  options.structure,
                  "dense, low-rank:R, kronecker, tt:R, monarch, btt, btt:rank=R, btt:ranks=K, btt1 "
                  "... g2, or theta such "
                  "as 1/2,0,1/2,0,1/2,1/2,0; text, tokens and pixels also mixtures of experts: "
                  "btt-moe:experts=8,active=2, layer-moe:..., ffn-moe:..., each also with ,of=S")
      ->required()
      ->type_name("S")
      ->group(group);
  add_count(command, "--width", options.model.width, "features of the residual stream (64)", kSize)
      ->group(group);
  add_count(command, "--depth", options.model.depth, "residual blocks (3)", {0, 1000})
      ->group(group);
  add_count(command,
            "--heads",
            options.heads,
            "text, tokens, pixels: attention heads (of 64 features; pixels: 8)",
            {1, 1 << 20})
      ->group(group);
  command
      .add_option(
          "--layers",
          options.layers,
          "layers that take the structure: all, intermediate (default), all-but-last; of the "
          "transformers also ffn, attention")
      ->check(CLI::IsMember(layer_choice_names()))
      ->group(group);
  command
      .add_option(
          "--rounding", options.rounding, "sizes: exact (default, divisors) or paper (padding)")
      ->check(CLI::IsMember({"exact", "paper"}))
      ->group(group);
  command
      .add_option(
          "--order", options.order, "factor applied first: cheaper (default), a-first, b-first")
      ->check(CLI::IsMember({"cheaper", "a-first", "b-first"}))
      ->group(group);
  command
      .add_flag("--weight-norm", options.model.has_weight_norm, "normalise the factors' weights")
      ->group(group);
}

void add_training_options(CLI::App& command, TrainOptions& options) {
  const std::string group = "Training";
  constexpr double kInfinity = std::numeric_limits<double>::max();
  RunSpec& spec = options.spec;
  add_count(command, "--steps", spec.steps, "updates (1000)", {1, Count{1} << 40})->group(group);
  add_count(command,
            "--batch",
            options.batch,
            "examples per update (regression 512, text and tokens 32, pixels 64)",
            {1, 1 << 24})
      ->group(group);
  add_real(command,
           "--lr",
           options.lr,
           "learning rate of a dense layer at the base width: 64, or 768 of text and tokens "
           "(regression 0.001, others 0.003)",
           {0, kInfinity})
      ->group(group);
  command.add_option("--loss", options.loss, "regression: mse (default) or huber")
      ->check(CLI::IsMember(loss_names()))
      ->group(group);
  command.add_option("--schedule", options.schedule, "constant (default), linear, cosine or wsd")
      ->check(CLI::IsMember(schedule_names()))
      ->group(group);
  add_count(command,
            "--warmup",
            options.warmup,
            "updates of linear warm-up (0; text and tokens: a tenth of --steps, at most 2000)",
            kNonNegative)
      ->group(group);
  add_count(command,
            "--schedule-steps",
            options.schedule_steps,
            "length of the schedule, if longer than the run")
      ->group(group);
  add_real(command,
           "--weight-decay",
           spec.optimizer.weight_decay,
           "decoupled weight decay (0)",
           {0, kInfinity})
      ->group(group);
  add_real(command,
           "--clip",
           options.clip,
           "largest gradient norm; 0 is none (0; text and tokens: 1)",
           {0, kInfinity})
      ->group(group);
  add_count(command, "--seed", options.seed, "sets --seed-init and --seed-data (0)", kNonNegative)
      ->group(group);
  add_count(command, "--seed-init", options.seed_init, "seed of the initial weights", kNonNegative)
      ->group(group);
  add_count(
      command, "--seed-data", options.seed_data, "seed of the training examples", kNonNegative)
      ->group(group);
  add_count(command,
            "--seed-task",
            options.seed_task,
            "seed of the target and the held-out set (0)",
            kNonNegative)
      ->group(group);
  add_count(command,
            "--records-per-decade",
            spec.records_per_decade,
            "recorded steps per decade (8)",
            {1, 1000})
      ->group(group);
}

}  // namespace

void add_train(CLI::App& app, Program& program) {
  static TrainOptions options;
  CLI::App* command = app.add_subcommand("train", "Train one model and print its learning curve");
  add_model_options(*command, options);
  add_task_options(*command, options.task);
  add_training_options(*command, options);
  add_count(*command,
            "--threads",
            options.threads,
            "threads (all cores that this process may use)",
            {1, 4096});
  command->add_flag("--no-times",
                    options.leaves_out_times,
                    "leave out time_s, so that equal runs are equal bytes");
  add_output_options(*command, options.output);
  command->callback([&program] { program.run = [] { return train_run(options); }; });
}

}  // namespace einsearch
