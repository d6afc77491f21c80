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
  curve.structure = structure_text(options);
  const bool is_mixed = !options.assigned.empty();
  curve.family = is_mixed ? "mixed" : to_string(family(options.structure));
  if (!is_mixed) curve.theta = to_string(options.structure.theta);
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

namespace {

/// A run as it goes: state of the model, curve so far, sums since the last point.
template <typename Scalar>
class Run {
 public:
  Run(const RunSpec& spec,
      const Task<Scalar>& task,
      const Model<Scalar>& model,
      const Threads& threads,
      const RunObserver& observer)
      : spec_(spec),
        task_(task),
        model_(model),
        threads_(threads),
        observer_(observer),
        curve_(describe(spec)),
        state_(model,
               initial_values<Scalar>(model.parameters(), spec.seed_init),
               spec.optimizer,
               threads),
        held_out_(task, std::min(spec.held_out, task.held_out_size().value_or(spec.held_out))),
        held_out_losses_(static_cast<std::size_t>(held_out_.inputs.samples)),
        batch_(task, spec.batch) {
    held_out_.fill(threads, [&](Count first, BlockView<Scalar> x, BlockView<Scalar> y) {
      task.held_out_examples(first, x, y);
    });
  }

  const Curve& curve() const { return curve_; }
  Count step() const { return step_; }
  bool is_finite() const { return std::isfinite(loss_sum_); }
  bool is_recorded(Count step) const { return step <= last_recorded(); }
  bool has_diverged() const {
    return !curve_.points.empty() && curve_.points.back().status == RunStatus::diverged;
  }

  void update() {
    const Clock::time_point start = Clock::now();
    batch_.fill(threads_, [&](Count first, BlockView<Scalar> x, BlockView<Scalar> y) {
      task_.training_examples(step_ * spec_.batch + first, x, y);
    });
    const UpdateResult result =
        state_.update(batch_.view(), spec_.lr * spec_.schedule.rate_share(step_));
    loss_sum_ += result.loss;
    norm_sum_ += result.gradient_norm;
    ++step_;
    training_time_ += Clock::now() - start;
  }

  void record() {
    curve_.points.push_back(next_point());
    loss_sum_ = norm_sum_ = 0;
    if (observer_.on_record) observer_.on_record(curve_);
  }

  Checkpoint<Scalar> checkpoint() const {
    return {.spec = canonical_text(spec_),
            .step = step_,
            .points = curve_.points,
            .loss_sum = loss_sum_,
            .norm_sum = norm_sum_,
            .time_s = seconds(),
            .numbers = state_.numbers()};
  }

  void go_on_from(const Checkpoint<Scalar>& start) {
    state_.restore(start.numbers, start.step);
    step_ = start.step;
    loss_sum_ = start.loss_sum;
    norm_sum_ = start.norm_sum;
    training_time_ =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(start.time_s));
    for (const CurvePoint& point : start.points) {
      curve_.points.push_back(point);
      if (observer_.on_record) observer_.on_record(curve_);
    }
  }

 private:
  Count last_recorded() const { return curve_.points.empty() ? -1 : curve_.points.back().step; }
  double seconds() const { return std::chrono::duration<double>(training_time_).count(); }

  CurvePoint next_point() {
    const Index tokens = model_.tokens_per_example();
    state_.evaluate(held_out_.view(), held_out_losses_);
    const Estimate loss = estimate(held_out_losses_);
    CurvePoint point;
    point.step = step_;
    point.examples = step_ * spec_.batch;
    point.train_flops = 3 * curve_.flops * static_cast<double>(point.examples * tokens);
    if (const std::optional<double> epoch = task_.examples_per_epoch())
      point.epochs = static_cast<double>(point.examples) / *epoch;
    point.anneal = spec_.schedule.anneal(step_);
    point.time_s = seconds();
    if (step_ > 0) {
      const auto updates = static_cast<double>(step_ - last_recorded());
      point.train_loss = loss_sum_ / updates;
      point.grad_norm = norm_sum_ / updates;
      point.rate = spec_.lr * spec_.schedule.rate_share(step_ - 1);
    }
    const Index some = std::min(model_.block_samples(), held_out_.inputs.samples);
    point.experts = expert_usage(model_.experts(), state_.expert_tokens());
    point.block_rms = state_.block_rms(held_out_.view().samples(0, some));
    const bool is_finite_point = std::isfinite(loss.mean) && is_finite();
    point.status = is_finite_point ? RunStatus::ok : RunStatus::diverged;
    if (is_finite_point) {
      point.loss = loss.mean;
      point.loss_se = loss.standard_error;
    }
    return point;
  }

  const RunSpec& spec_;
  const Task<Scalar>& task_;
  const Model<Scalar>& model_;
  const Threads& threads_;
  const RunObserver& observer_;
  Curve curve_;
  TrainingState<Scalar> state_;
  ExampleMemory<Scalar> held_out_;
  std::vector<double> held_out_losses_;
  ExampleMemory<Scalar> batch_;
  Count step_ = 0;
  double loss_sum_ = 0, norm_sum_ = 0;  // since the last point
  Clock::duration training_time_{};
};

template <typename Scalar>
bool is_due(const Checkpointing<Scalar>& checkpointing, Count step) {
  if (checkpointing.every > 0 && step % checkpointing.every == 0) return true;
  return checkpointing.is_due && checkpointing.is_due(step);
}

}  // namespace

template <typename Scalar>
Curve train(const RunSpec& spec,
            const Task<Scalar>& task,
            const Threads& threads,
            const RunObserver& observer,
            const Checkpointing<Scalar>& checkpointing) {
  validate(spec);
  const std::unique_ptr<Model<Scalar>> model = make_model<Scalar>(spec.model);
  if (model->inputs() != task.inputs()) {
    throw Error("the model does not fit the task",
                {.where = task.name(),
                 .expected = fmt::format("{} inputs", task.inputs()),
                 .got = fmt::format("{}", model->inputs())});
  }
  Run<Scalar> run(spec, task, *model, threads, observer);
  if (checkpointing.start != nullptr) run.go_on_from(*checkpointing.start);
  for (const Count target : recorded_steps(spec)) {
    if (run.is_recorded(target) || run.has_diverged()) continue;
    while (run.step() < target && run.is_finite()) {
      run.update();
      if (run.step() < spec.steps && is_due(checkpointing, run.step()))
        checkpointing.save(run.checkpoint());
      if (observer.should_stop && observer.should_stop()) return run.curve();
    }
    run.record();
  }
  if (checkpointing.save) checkpointing.save(run.checkpoint());
  return run.curve();
}

template Curve train<float>(const RunSpec&,
                            const Task<float>&,
                            const Threads&,
                            const RunObserver&,
                            const Checkpointing<float>&);
template Curve train<double>(const RunSpec&,
                             const Task<double>&,
                             const Threads&,
                             const RunObserver&,
                             const Checkpointing<double>&);

}  // namespace einsearch
