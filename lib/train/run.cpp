#include "train/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "structure/family.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

using Clock = std::chrono::steady_clock;

/// Memory for examples, rows padded for the kernels.
template <typename Scalar>
struct ExampleMemory {
  ExampleMemory(const Task<Scalar>& task, Index samples)
      : stride(padded_samples(samples) + kSampleLanes),
        memory((task.inputs() + task.outputs()) * stride),
        inputs{memory.data(), task.inputs(), samples, stride},
        targets{inputs.row(task.inputs()), task.outputs(), samples, stride} {}

  ExampleBlock<Scalar> view() const { return {inputs, targets}; }

  /// Calls make(first, inputs, targets) for blocks of samples, in parallel.
  template <typename Make>
  void fill(const Threads& threads, const Make& make) {
    // Enough blocks for all threads also where a batch is a few long sequences.
    constexpr Index kMost = 128, kNumbers = 1 << 12;
    const Index size = std::clamp(kNumbers / inputs.features, Index{1}, kMost);
    threads.for_each((inputs.samples + size - 1) / size, [&](Index block) {
      const Index first = block * size, count = std::min(size, inputs.samples - first);
      make(first,
           BlockView<Scalar>{inputs.data + first, inputs.features, count, stride},
           BlockView<Scalar>{targets.data + first, targets.features, count, stride});
    });
  }

  Index stride;
  AlignedBuffer<Scalar> memory;
  BlockView<Scalar> inputs, targets;
};

struct Estimate {
  double mean;
  double standard_error;
};

Estimate estimate(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, values.size() > 1 ? std::sqrt(squares / (n - 1) / n) : kMissing};
}

}  // namespace

Curve describe(const RunSpec& spec) {
  const auto model = make_model<float>(spec.model);
  const ModelOptions& options = model_options(spec.model);
  Curve curve;
  curve.run = run_id(spec);
  curve.structure = structure_name(options);
  curve.family = to_string(family(options.structure));
  curve.theta = to_string(options.structure.theta);
  curve.task = task_name(spec.task);
  curve.width = options.width;
  curve.depth = options.depth;
  curve.batch = spec.batch;
  curve.lr = spec.lr;
  curve.schedule = to_string(spec.schedule.kind);
  curve.seed_init = static_cast<Count>(spec.seed_init);
  curve.seed_data = static_cast<Count>(seeds(spec.task).data);
  curve.seed_task = static_cast<Count>(seeds(spec.task).task);
  curve.params = model->parameters().size();
  const Index tokens = model->tokens_per_example();
  const ModelCost cost = model->cost();
  const auto per_token = [tokens](double flops) { return flops / static_cast<double>(tokens); };
  curve.flops = per_token(cost.flops());
  curve.flops_linear = per_token(cost.flops_linear);
  curve.flops_attention = per_token(cost.flops_attention);
  curve.flops_head = per_token(cost.flops_head);
  curve.flops_other = per_token(cost.flops_other);
  curve.params_linear = cost.params_linear;
  constexpr Count kBytes = sizeof(float);
  curve.activation_bytes = kBytes * model->workspace_size(model->block_samples());
  curve.weight_bytes = kBytes * curve.params;
  return curve;
}

std::vector<Count> recorded_steps(const RunSpec& spec) {
  std::vector<Count> steps = {0};
  const auto first = static_cast<double>(spec.first_record),
             per_decade = static_cast<double>(spec.records_per_decade);
  for (Count i = 0;; ++i) {
    const auto step = static_cast<Count>(
        std::llround(first * std::pow(10.0, static_cast<double>(i) / per_decade)));
    if (step >= spec.steps) break;
    if (step > steps.back()) steps.push_back(step);
  }
  if (spec.steps > 0) steps.push_back(spec.steps);
  return steps;
}

template <typename Scalar>
Curve train(const RunSpec& spec,
            const Task<Scalar>& task,
            const Threads& threads,
            const RunObserver& observer) {
  validate(spec);
  const std::unique_ptr<Model<Scalar>> model = make_model<Scalar>(spec.model);
  if (model->inputs() != task.inputs()) {
    throw Error("the model does not fit the task",
                {.where = task.name(),
                 .expected = fmt::format("{} inputs", task.inputs()),
                 .got = fmt::format("{}", model->inputs())});
  }
  const Index tokens = model->tokens_per_example();
  Curve curve = describe(spec);
  TrainingState<Scalar> state(
      *model, initial_values<Scalar>(model->parameters(), spec.seed_init), spec.optimizer, threads);

  const Count held_out_examples =
      std::min(spec.held_out, task.held_out_size().value_or(spec.held_out));
  ExampleMemory<Scalar> held_out(task, held_out_examples);
  held_out.fill(threads, [&](Count first, BlockView<Scalar> x, BlockView<Scalar> y) {
    task.held_out_examples(first, x, y);
  });
  std::vector<double> held_out_losses(static_cast<std::size_t>(held_out_examples));

  Clock::duration training_time{};
  double loss_sum = 0, norm_sum = 0;
  Count losses = 0;
  const auto record = [&](Count step) {
    state.evaluate(held_out.view(), held_out_losses);
    const Estimate loss = estimate(held_out_losses);
    CurvePoint point;
    point.step = step;
    point.examples = step * spec.batch;
    point.train_flops = 3 * curve.flops * static_cast<double>(point.examples * tokens);
    if (const std::optional<double> epoch = task.examples_per_epoch())
      point.epochs = static_cast<double>(point.examples) / *epoch;
    point.anneal = spec.schedule.anneal(step);
    point.time_s = std::chrono::duration<double>(training_time).count();
    if (losses > 0) {
      point.train_loss = loss_sum / static_cast<double>(losses);
      point.grad_norm = norm_sum / static_cast<double>(losses);
      point.rate = spec.lr * spec.schedule.rate_share(step - 1);
    }
    point.experts = expert_usage(model->experts(), state.expert_tokens());
    point.block_rms = state.block_rms(
        held_out.view().samples(0, std::min<Index>(model->block_samples(), held_out_examples)));
    const bool is_finite = std::isfinite(loss.mean) && std::isfinite(loss_sum);
    point.status = is_finite ? RunStatus::ok : RunStatus::diverged;
    if (is_finite) {
      point.loss = loss.mean;
      point.loss_se = loss.standard_error;
    }
    loss_sum = norm_sum = 0;
    losses = 0;
    curve.points.push_back(point);
    if (observer.on_record) observer.on_record(curve);
    return is_finite;
  };

  ExampleMemory<Scalar> batch(task, spec.batch);
  Count step = 0;
  for (const Count target : recorded_steps(spec)) {
    for (; step < target && std::isfinite(loss_sum); ++step) {
      const Clock::time_point start = Clock::now();
      batch.fill(threads, [&](Count first, BlockView<Scalar> x, BlockView<Scalar> y) {
        task.training_examples(step * spec.batch + first, x, y);
      });
      const UpdateResult update =
          state.update(batch.view(), spec.lr * spec.schedule.rate_share(step));
      loss_sum += update.loss;
      norm_sum += update.gradient_norm;
      ++losses;
      training_time += Clock::now() - start;
      if (observer.should_stop && observer.should_stop()) return curve;
    }
    if (!record(step)) break;
  }
  return curve;
}

template Curve train<float>(const RunSpec&, const Task<float>&, const Threads&, const RunObserver&);
template Curve train<double>(const RunSpec&,
                             const Task<double>&,
                             const Threads&,
                             const RunObserver&);

}  // namespace einsearch
