// einsearch's own training as execute() takes it: with checkpoints of long runs, and trunks that
// branches share.
#pragma once

#include <string>

#include "search/execute.h"
#include "search/task_pool.h"

namespace einsearch {

struct OwnTrainerOptions {
  std::string folder;                 ///< of checkpoints; made when the first is written
  double seconds_to_checkpoint = 60;  ///< between checkpoints of a run
};

/// Runs of one job are trained from the longest to the shortest; where a shorter one's decay
/// begins, the longer leaves it a checkpoint to start from. A run that is stopped after a while
/// leaves one for itself. Whatever a run starts from, its curve is the same but for times.
JobRunner own_trainer(TaskPool& tasks, const OwnTrainerOptions& options);

}  // namespace einsearch
