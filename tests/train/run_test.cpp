#include "train/run.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "structure/notation.h"
#include "task/cached_task.h"

using namespace einsearch;

namespace {

RunSpec small_spec(const std::string& structure) {
  RunSpec spec;
  ModelOptions& model = model_options(spec.model);
  model.structure = parse_structure(structure);
  model.width = 16;
  model.depth = 2;
  spec.task = RegressionOptions{.target_width = 16, .target_depth = 2};
  spec.batch = 400;  // several chunks, the last one partly filled
  spec.steps = 20;
  spec.held_out = 300;
  return spec;
}

Curve run(const RunSpec& spec, int threads) {
  const std::unique_ptr<Task<float>> task = make_task<float>(spec.task);
  Curve curve = train<float>(spec, *task, Threads(threads));
  for (CurvePoint& point : curve.points) point.time_s = 0;
  return curve;
}

}  // namespace

TEST_CASE("one and several threads give the same curve, bit for bit") {
  for (const char* structure : {"dense", "monarch", "tt:1/2"}) {
    CAPTURE(structure);
    const Curve one = run(small_spec(structure), 1);
    CHECK(one.points.back().loss < one.points.front().loss);
    for (const int threads : {2, 5}) {
      const Curve several = run(small_spec(structure), threads);
      REQUIRE(several.points.size() == one.points.size());
      for (std::size_t i = 0; i < one.points.size(); ++i) {
        CHECK(several.points[i].loss == one.points[i].loss);
        CHECK(several.points[i].loss_se == one.points[i].loss_se);
        CHECK((several.points[i].train_loss == one.points[i].train_loss || i == 0));
      }
    }
  }
}

TEST_CASE("a longer run repeats a shorter one of the same schedule") {
  RunSpec spec = small_spec("monarch");
  spec.schedule = {.kind = ScheduleKind::cosine, .warmup = 3, .steps = 100};
  const Curve longer = run(spec, 1);
  spec.steps = 10;
  const Curve shorter = run(spec, 1);
  for (std::size_t i = 0; i < shorter.points.size(); ++i)
    CHECK(shorter.points[i].loss == longer.points[i].loss);
}

TEST_CASE("each seed changes what it names and nothing else") {
  const RunSpec spec = small_spec("dense");
  const Curve base = run(spec, 1);
  RunSpec init = spec, data = spec, task = spec;
  init.seed_init = 1;
  set_seeds(data.task, {.data = 1});
  set_seeds(task.task, {.task = 1});
  // At step 0 the model predicts zero, so the loss is a property of the task alone.
  CHECK(run(init, 1).points[0].loss == base.points[0].loss);
  CHECK(run(data, 1).points[0].loss == base.points[0].loss);
  CHECK(run(task, 1).points[0].loss != base.points[0].loss);
  CHECK(run(init, 1).points[1].train_loss == base.points[1].train_loss);
  CHECK(run(data, 1).points[1].train_loss != base.points[1].train_loss);
  CHECK(run(init, 1).points.back().loss != base.points.back().loss);
  CHECK(run_id(init) != run_id(spec));
  CHECK(run_id(data) != run_id(spec));
  CHECK(run_id(task) != run_id(spec));
}

TEST_CASE("steps are recorded at 0, evenly in the logarithm, and at the end") {
  RunSpec spec = small_spec("dense");
  spec.steps = 1000;
  spec.records_per_decade = 4;
  CHECK(recorded_steps(spec) ==
        std::vector<Count>{0, 1, 2, 3, 6, 10, 18, 32, 56, 100, 178, 316, 562, 1000});
  spec.first_record = 100;
  CHECK(recorded_steps(spec) == std::vector<Count>{0, 100, 178, 316, 562, 1000});
  spec.steps = 1;
  CHECK(recorded_steps(spec) == std::vector<Count>{0, 1});
}

TEST_CASE("a run that diverges says so in its last row and stops") {
  RunSpec spec = small_spec("dense");
  spec.lr = 1e30;
  const Curve curve = run(spec, 1);
  CHECK(curve.points.back().status == RunStatus::diverged);
  CHECK(std::isnan(curve.points.back().loss));
  CHECK(curve.points.back().step < spec.steps);
}

TEST_CASE("compute counts three times the forward FLOPs of every example") {
  const Curve curve = run(small_spec("monarch"), 1);
  const CurvePoint& last = curve.points.back();
  CHECK(last.examples == 20 * 400);
  CHECK(last.train_flops == 3 * curve.flops * 20 * 400);
}

TEST_CASE("a curve says what its FLOPs are spent on, its learning rate and its gradient norm") {
  RunSpec spec = small_spec("monarch");
  spec.schedule = {.kind = ScheduleKind::linear, .warmup = 2, .steps = 40};
  const Curve curve = run(spec, 1);
  CHECK(curve.flops_linear + curve.flops_attention + curve.flops_head + curve.flops_other ==
        curve.flops);
  CHECK(curve.flops_linear == 2.0 * static_cast<double>(curve.params_linear));  // nothing is shared
  CHECK(curve.flops_head == 2 * 16);
  CHECK(curve.weight_bytes == 4 * curve.params);
  for (const CurvePoint& point : curve.points) {
    CHECK(std::isnan(point.rate) == (point.step == 0));
    if (point.step > 0) CHECK(point.rate == spec.lr * spec.schedule.rate_share(point.step - 1));
    if (point.step > 0) CHECK(point.grad_norm > 0);
    CHECK(point.block_rms.size() == 2);
  }
  // Blocks start at zero, behind a layer norm.
  for (const double rms : curve.points.front().block_rms)
    CHECK(rms == doctest::Approx(1).epsilon(1e-3));
}

TEST_CASE("features grow alike at every width, at one learning rate and for every structure") {
  for (const char* structure : {"dense", "monarch", "low-rank:1/2"}) {
    CAPTURE(structure);
    std::vector<double> sizes;
    for (const Index width : {32, 128}) {
      RunSpec spec = small_spec(structure);
      model_options(spec.model).width = width;
      spec.batch = 64;
      spec.steps = 40;
      sizes.push_back(run(spec, 2).points.back().block_rms.back());
    }
    CHECK(sizes[0] > 1.1);  // they have grown from 1
    CHECK(sizes[1] == doctest::Approx(sizes[0]).epsilon(0.15));
  }
}

TEST_CASE("experts that are used alike have load 1 and count in full, unused ones not at all") {
  const ExpertCounts shape{.gates = 2, .experts = 4, .active = 2};
  const std::vector<Count> even(8, 50);
  CHECK(expert_usage(shape, even)->effective == doctest::Approx(4));
  CHECK(expert_usage(shape, even)->least_load == 1);
  CHECK(expert_usage(shape, even)->most_load == 1);
  const std::vector<Count> collapsed = {100, 100, 0, 0, 50, 50, 50, 50};
  CHECK(expert_usage(shape, collapsed)->effective == doctest::Approx(3));
  CHECK(expert_usage(shape, collapsed)->least_load == 0);
  CHECK(expert_usage(shape, collapsed)->most_load == 2);
  CHECK(!expert_usage({}, {}).has_value());
}

TEST_CASE("a schedule shorter than the run is refused") {
  RunSpec spec = small_spec("dense");
  spec.schedule = {.kind = ScheduleKind::linear, .warmup = 0, .steps = 10};
  CHECK_THROWS_AS(validate(spec), Error);
  spec.schedule = {.kind = ScheduleKind::linear, .warmup = 20, .steps = 20};
  CHECK_THROWS_AS(validate(spec), Error);
}

TEST_CASE("examples that are kept are those of the task") {
  const RegressionOptions options{.inputs = 3, .target_width = 8, .target_depth = 2};
  const RegressionTask<float> task(options);
  const Threads threads(2);
  const CachedTask<float> cached(
      task, 40, 20, [&](Index n, const auto& body) { threads.for_each(n, body); });
  for (const Count first : {0, 7, 30, 50}) {  // inside, across the end, and beyond what is kept
    AlignedBuffer<float> memory(8 * 32);
    const BlockView<float> x{memory.data(), 3, 16, 32}, y{memory.data() + 3 * 32, 1, 16, 32};
    const BlockView<float> cached_x{memory.data() + 4 * 32, 3, 16, 32},
        cached_y{memory.data() + 7 * 32, 1, 16, 32};
    task.training_examples(first, x, y);
    cached.training_examples(first, cached_x, cached_y);
    for (Index i = 0; i < 4 * 32; ++i) CHECK(memory.data()[i] == memory.data()[i + 4 * 32]);
  }
}

TEST_CASE(
    "an example does not depend on how it is asked for, and targets have mean 0 and variance 1") {
  const RegressionTask<double> task({.target_width = 32, .target_depth = 3});
  const Index samples = 4000, stride = padded_samples(samples);
  AlignedBuffer<double> memory(9 * stride), single(9 * 16);
  const BlockView<double> x{memory.data(), 8, samples, stride}, y{x.row(8), 1, samples, stride};
  task.held_out_examples(0, x, y);
  const BlockView<double> one_x{single.data(), 8, 1, 16}, one_y{one_x.row(8), 1, 1, 16};
  for (const Count i : {0, 5, 129, 3999}) {
    task.held_out_examples(i, one_x, one_y);
    CHECK(one_y.data[0] == y.data[i]);
    CHECK(one_x.row(7)[0] == x.row(7)[i]);
  }
  double mean = 0, square = 0;
  for (Index n = 0; n < samples; ++n) {
    mean += y.data[n] / samples;
    square += y.data[n] * y.data[n] / samples;
  }
  CHECK(std::abs(mean) < 0.2);
  CHECK(std::abs(square - mean * mean - 1) < 0.3);
}
