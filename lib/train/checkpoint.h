// A run between two updates: all that is needed to go on as if it had never stopped. A value; the
// file is io/checkpoint_file.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "train/curve.h"
#include "train/training_state.h"

namespace einsearch {

template <typename Scalar>
struct Checkpoint {
  std::string spec;  ///< canonical_text(RunSpec) of the run
  Count step = 0;    ///< updates done
  std::vector<CurvePoint> points;
  double loss_sum = 0, norm_sum = 0;  ///< over the updates since the last point
  double time_s = 0;                  ///< of training so far
  StateNumbers<Scalar> numbers;
};

/// How a run keeps checkpoints and where it starts.
template <typename Scalar>
struct Checkpointing {
  const Checkpoint<Scalar>* start =
      nullptr;      ///< of the same specification; null: from the beginning
  Count every = 0;  ///< updates between calls of save; 0: only at the end
  std::function<void(const Checkpoint<Scalar>&)> save = {};
};

}  // namespace einsearch
