// One training run, from its specification to its learning curve.
#pragma once

#include <functional>

#include "compute/parallel.h"
#include "task/task.h"
#include "train/checkpoint.h"
#include "train/curve.h"
#include "train/run_spec.h"

namespace einsearch {

struct RunObserver {
  /// Called after each recorded step with the curve so far; its last point is new.
  std::function<void(const Curve&)> on_record = {};
  /// Asked after each update; true ends the run there, without a record.
  std::function<bool()> should_stop = {};
};

/// The columns of a curve that are known before training.
Curve describe(const RunSpec& spec);

/// The steps after which a run records its losses: 0, then evenly spaced in the logarithm, the last
/// step always.
std::vector<Count> recorded_steps(const RunSpec& spec);

/// Trains with fresh examples of `task`, which must have been made with spec.task. A loss that
/// stops being finite ends the run with status diverged and a last point of loss nan. The curve
/// does not depend on the number of threads, but for time_s. A run that goes on from a checkpoint
/// ends with the bytes of one that never stopped; on_record is called for the restored points too.
template <typename Scalar>
Curve train(const RunSpec& spec,
            const Task<Scalar>& task,
            const Threads& threads,
            const RunObserver& observer = {},
            const Checkpointing<Scalar>& checkpointing = {});

}  // namespace einsearch
