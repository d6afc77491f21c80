// The tasks of a sweep, each made once and shared by the runs that train on it.
//
// Labelling examples can cost as much as training a small proxy on them, and at equal seeds all
// structures see the same ones. So the examples of the regression task are kept, as far as memory
// allows; they are made when first needed, by whichever run comes first. A run that comes second
// while they are being made does not wait but makes its own: waiting could cost more.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "search/grid.h"
#include "task/task.h"

namespace einsearch {

class TaskPool {
 public:
  /// For runs of `plan` with the numbers `runs`; keeps at most `bytes` of examples.
  TaskPool(const Plan& plan, const std::vector<std::size_t>& runs, double bytes);

  /// The task of a run; stays valid while the pointer is held.
  std::shared_ptr<const Task<float>> task(const RunSpec& spec);

  /// Keeps the examples of this run's task, as many as the run sees, until the pool goes: for runs
  /// that nobody has planned yet. Call it before the first task() of any.
  void keep(const RunSpec& spec);

  /// One run fewer will ask for this task; what nobody needs is freed.
  void finish(const RunSpec& spec);

 private:
  struct Entry {
    Count runs = 0;
    Count examples = 0;  ///< that the longest run sees
    std::shared_ptr<const Task<float>> task;
  };

  std::map<std::string, Entry> entries_;
  double bytes_ = 0;
  std::mutex mutex_;
};

}  // namespace einsearch
