// Where examples come from. A task is one small class: its shapes, training examples by index,
// held-out examples by index.
//
// To add one: derive from Task, draw everything from counter-based streams (base/random.h) so that
// example i is a function of the seeds and i alone, and make it where the command line names it.
// regression.h is the example to follow.
#pragma once

#include <optional>
#include <string>

#include "compute/block.h"

namespace einsearch {

template <typename Scalar>
class Task {
 public:
  virtual ~Task() = default;

  virtual std::string name() const = 0;
  virtual Index inputs() const = 0;
  virtual Index outputs() const = 0;

  /// How many values a token has; 0: examples are real numbers. Tokens are whole numbers 0 ... V -
  /// 1 held in scalars, a sequence is one sample, and its time steps are the features.
  virtual Index vocabulary() const { return 0; }

  /// Irreducible loss in nats per token, where the source is known in closed form.
  virtual std::optional<double> entropy() const { return std::nullopt; }

  /// Training examples that make one pass through the data; nothing: every example is fresh.
  virtual std::optional<double> examples_per_epoch() const { return std::nullopt; }

  /// Different held-out examples; nothing: as many as anyone asks for.
  virtual std::optional<Count> held_out_size() const { return std::nullopt; }

  /// Examples first, first + 1, ...: inputs (inputs, N) and targets (outputs, N). Thread-safe;
  /// example i is the same however it is asked for.
  virtual void training_examples(Count first,
                                 BlockView<Scalar> inputs,
                                 BlockView<Scalar> targets) const = 0;

  /// The same for the held-out set, which no training example belongs to.
  virtual void held_out_examples(Count first,
                                 BlockView<Scalar> inputs,
                                 BlockView<Scalar> targets) const = 0;
};

}  // namespace einsearch
