// einsearch train: one run, its learning curve on stdout.
#include <fmt/format.h>

#include <filesystem>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "io/atomic_file.h"
#include "io/checkpoint_file.h"
#include "io/curve_csv.h"
#include "io/safetensors.h"
#include "log.h"
#include "output.h"
#include "progress.h"
#include "run_arguments.h"
#include "structure/candidate.h"
#include "structure/notation.h"
#include "task/order2_model.h"
#include "train/run.h"

namespace einsearch {
namespace {

struct TrainOptions {
  RunArguments run;
  std::string structure;
  Index width = 64, depth = 3;
  Count steps = 1000;
  Count schedule_steps = 0;
  Count seed = 0, seed_init = -1, seed_data = -1, seed_task = 0;
  Count threads = 0;
  bool leaves_out_times = false;
  std::string checkpoint, weights;  // files; empty: none
  Count checkpoint_every = 1000;
  OutputOptions output;
};

RunSpec run_spec(const TrainOptions& options) {
  const auto or_seed = [&](Count seed) {
    return static_cast<std::uint64_t>(seed >= 0 ? seed : options.seed);
  };
  const TaskSpec task = task_spec(
      options.run.task,
      {.task = static_cast<std::uint64_t>(options.seed_task), .data = or_seed(options.seed_data)});
  RunSpec spec = run_spec(options.run, task, options.steps);
  const ModelStructure structure = parse_model_structure(options.structure);
  model_options(spec.model).structure = structure.structure;
  model_options(spec.model).mixture = structure.mixture;
  model_options(spec.model).width = options.width;
  model_options(spec.model).depth = options.depth;
  spec.seed_init = or_seed(options.seed_init);
  if (options.run.aligns_heads && !aligns_any_heads(model_options(spec.model)))
    throw Error("--align-heads has no effect", {.expected = "btt or monarch in attention"});
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
  const bool has_paper_sizes = options.resolve.rounding == Rounding::paper;
  if (options.mixture && has_paper_sizes) return;  // see rank_expert_shape()
  for (const auto& [structure, d_in, d_out] : structured_layers(spec.model)) {
    const Candidate layer = WidthResolver(d_in, d_out, options.resolve).at_any_quality(structure);
    if (layer.quality.is_valid()) continue;
    log_warning(
        fmt::format("sizes of the layers {} -> {} are {:.2g} octaves from theta, this is not the "
                    "structure that was named (other widths, or --rounding paper)",
                    d_in,
                    d_out,
                    layer.quality.rounding_error));
  }
}

/// What becomes of a run's numbers on the way and at its end.
struct Keeping {
  Checkpoint<float> start;
  Checkpointing<float> checkpointing;
};

/// The run's parameters, and what it was.
void write_weights(const std::string& path, const RunSpec& spec, std::span<const float> values) {
  const auto model = make_model<float>(spec.model);
  const ModelOptions& options = model_options(spec.model);
  write_safetensors(path,
                    named_tensors(model->parameters(), values),
                    {{"format", "pt"},
                     {"einsearch_run", canonical_text(spec)},
                     {"structure", structure_text(options)},
                     {"theta", to_string(options.structure.theta)}});
  log_info("wrote " + path);
}

/// Reads the checkpoint if it is there, and says what to do when there is one to keep.
void prepare(const TrainOptions& options, const RunSpec& spec, Keeping& keeping) {
  Checkpointing<float>& checkpointing = keeping.checkpointing;
  for (const std::string& path : {options.checkpoint, options.weights}) {
    if (!path.empty()) AtomicFile probe(path);  // fails now rather than after the training
  }
  if (!options.checkpoint.empty()) {
    checkpointing.every = options.checkpoint_every;
    if (std::filesystem::exists(options.checkpoint)) {
      keeping.start = read_checkpoint(options.checkpoint, canonical_text(spec));
      checkpointing.start = &keeping.start;
      log_info(fmt::format(
          "going on from {} at step {} of {}", options.checkpoint, keeping.start.step, spec.steps));
    }
  }
  if (options.checkpoint.empty() && options.weights.empty()) return;
  checkpointing.save = [&options, &spec](const Checkpoint<float>& checkpoint) {
    if (!options.checkpoint.empty()) write_checkpoint(options.checkpoint, checkpoint);
    const bool has_ended =
        checkpoint.points.back().step == checkpoint.step &&
        (checkpoint.step == spec.steps || checkpoint.points.back().status == RunStatus::diverged);
    if (has_ended && !options.weights.empty())
      write_weights(options.weights, spec, checkpoint.numbers.values);
  };
}

int train_run(const TrainOptions& options) {
  const RunSpec spec = run_spec(options);
  describe(spec);  // a structure that does not fit is an error before anything is written
  warn_of_distant_sizes(spec);
  const int count = options.threads > 0 ? static_cast<int>(options.threads) : available_threads();
  const Threads threads(count);
  const TimeColumns times = options.leaves_out_times ? TimeColumns::left_out : TimeColumns::written;

  Keeping keeping;
  prepare(options, spec, keeping);

  Output output(options.output.path);
  TableWriter table(chosen_format(options.output), curve_csv_columns(times), output.sink());
  Progress progress("train");
  RunObserver observer;
  Count step = keeping.start.step;
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
  if (const auto* text = std::get_if<TokenTaskOptions>(&spec.task)) {
    if (const std::optional<double> loss = order2_loss(text->data))
      log_info(
          fmt::format("the order-2 model of the training data has a held-out loss of {:.4f} nats "
                      "per token",
                      *loss));
  }
  const Curve curve = train<float>(spec, *task, threads, observer, keeping.checkpointing);
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

void add_own_options(CLI::App& command, TrainOptions& options) {
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
      ->group("Model");
  add_count(command, "--width", options.width, "features of the residual stream (64)", kSize)
      ->group("Model");
  add_count(command, "--depth", options.depth, "residual blocks (3)", {0, 1000})->group("Model");
  const std::string group = "Training";
  add_count(command, "--steps", options.steps, "updates (1000)", {1, Count{1} << 40})->group(group);
  add_count(command,
            "--schedule-steps",
            options.schedule_steps,
            "length of the schedule, if longer than the run")
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
}

}  // namespace

void add_train(CLI::App& app, Program& program) {
  static TrainOptions options;
  CLI::App* command = app.add_subcommand("train", "Train one model and print its learning curve");
  add_own_options(*command, options);
  add_model_options(*command, options.run);
  add_task_options(*command, options.run.task);
  add_training_options(*command, options.run);
  add_count(*command,
            "--threads",
            options.threads,
            "threads (all cores that this process may use)",
            {1, 4096});
  CLI::Option* checkpoint =
      command
          ->add_option("--checkpoint",
                       options.checkpoint,
                       "file to keep the run in; if it is there, the run goes on from it")
          ->type_name("FILE");
  add_count(*command,
            "--every",
            options.checkpoint_every,
            "updates between checkpoints (1000); one is always kept at the end")
      ->needs(checkpoint);
  command
      ->add_option(
          "--weights", options.weights, "safetensors file to write the trained parameters to")
      ->type_name("FILE");
  command->add_flag("--no-times",
                    options.leaves_out_times,
                    "leave out time_s, so that equal runs are equal bytes");
  add_output_options(*command, options.output);
  command->callback([&program] { program.run = [] { return train_run(options); }; });
}

}  // namespace einsearch
