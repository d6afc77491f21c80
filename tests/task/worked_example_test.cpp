// A worked example: how a task is added. This file compiles and trains, so it cannot rot.
//
// The task: sequences whose second half repeats the first. A model has to learn to look back T/2
// tokens; what it can reach is known exactly: the first half is random, ln V per token, and the
// second half is certain.
#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"
#include "structure/notation.h"
#include "task/task_examples.h"
#include "train/run.h"

using namespace einsearch;

namespace {

// Step 1. Options: everything that changes the examples, and the two seeds. A command's options end
// up here.
struct RepeatOptions {
  Index half = 8;  ///< tokens before they repeat
  Index vocabulary = 16;
  std::uint64_t seed_task = 0;  ///< the held-out set
  std::uint64_t seed_data = 0;  ///< training sequences
};

// Step 2. The class: shapes, and examples by their number. Example i depends on the seeds and i
// alone (counter-based draws), so batches of any size, threads, resumption and sharing between
// structures need nothing more. A sequence of T + 1 tokens is inputs (T) and targets (T): row t of
// the block holds token t of every sequence.
template <typename Scalar>
class RepeatTask final : public Task<Scalar> {
 public:
  explicit RepeatTask(const RepeatOptions& options) : options_(options) {}

  std::string name() const override { return "repeat"; }
  Index inputs() const override { return 2 * options_.half - 1; }
  Index outputs() const override { return inputs(); }
  Index vocabulary() const override { return options_.vocabulary; }

  // Step 3, if it is known: the least loss that any model can reach. Of the 2 h - 1 targets the
  // first h - 1 are random.
  std::optional<double> entropy() const override {
    const auto half = static_cast<double>(options_.half);
    return (half - 1) / (2 * half - 1) * std::log(static_cast<double>(options_.vocabulary));
  }

  void training_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override {
    examples(RandomStream(options_.seed_data, StreamId::data), first, inputs, targets);
  }

  void held_out_examples(Count first,
                         BlockView<Scalar> inputs,
                         BlockView<Scalar> targets) const override {
    examples(RandomStream(options_.seed_task, StreamId::held_out), first, inputs, targets);
  }

 private:
  void examples(const RandomStream& stream,
                Count first,
                BlockView<Scalar> inputs,
                BlockView<Scalar> targets) const {
    const auto token = [&](Index sample, Index t) {
      const Count draw = (first + sample) * options_.half + t % options_.half;
      return static_cast<Scalar>(stream.below(static_cast<std::uint64_t>(options_.vocabulary),
                                              static_cast<std::uint64_t>(draw)));
    };
    for (Index n = 0; n < inputs.samples; ++n) {
      for (Index t = 0; t < inputs.features; ++t) {
        inputs.row(t)[n] = token(n, t);
        targets.row(t)[n] = token(n, t + 1);
      }
    }
  }

  RepeatOptions options_;
};

// Step 4. For the command line: RepeatOptions joins the variant TaskSpec (task/task_spec.h), whose
// .cpp says in one line each how the task is made, what it is called, its shape and the text that
// tells it from others; app/task_arguments.cpp gives --task a name and its options. A model is
// found by the shape: with a vocabulary it is the transformer, without one the residual MLP.

}  // namespace

TEST_CASE("a task of one's own trains: what repeats is learned, what is random is not") {
  const RepeatTask<float> task({.half = 4, .vocabulary = 8});
  GptOptions model;
  model.structure = parse_structure("btt");
  model.vocabulary = task.vocabulary();
  model.context = task.inputs();
  model.width = 32;
  model.depth = 2;
  model.heads = 2;
  model.base_width = 32;
  RunSpec spec;
  spec.model = model;
  spec.batch = 64;
  spec.steps = 300;
  spec.held_out = 256;
  spec.lr = 3e-3;
  const Curve curve = train<float>(spec, task, Threads(2));
  CHECK(curve.points.front().loss == doctest::Approx(std::log(8.0)).epsilon(1e-4));
  CHECK(curve.points.back().loss > *task.entropy());
  CHECK(curve.points.back().loss < *task.entropy() + 0.1 * std::log(8.0));
}

TEST_CASE("an example of a task of one's own does not depend on how it is asked for") {
  const RepeatTask<float> task({});
  const Examples<float> all = training(task, 0, 40), some = training(task, 17, 3);
  for (Index n = 0; n < 3; ++n) {
    for (Index t = 0; t < task.inputs(); ++t) {
      CHECK(some.input(t, n) == all.input(t, 17 + n));
      CHECK(some.target(t, n) == all.target(t, 17 + n));
    }
  }
}
