#include "search/own_trainer.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>

#include "base/error.h"
#include "io/checkpoint_file.h"
#include "train/run.h"

namespace einsearch {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {}

  void write(const PlannedRun& run, Checkpoint<float> checkpoint) const {
    checkpoint.spec = canonical_text(run.spec);
    std::error_code failed;
    fs::create_directory(path_, failed);  // not the store: it may have been removed
    if (failed) throw SystemError("cannot write", {.where = path_, .got = failed.message()});
    write_checkpoint(file_of(run), checkpoint);
  }

  /// Nothing where there is none, and where it cannot be read: then the run starts over.
  std::optional<Checkpoint<float>> read(const PlannedRun& run) const try {
    if (!fs::exists(file_of(run))) return std::nullopt;
    return read_checkpoint(file_of(run), canonical_text(run.spec));
  } catch (const Error&) {
    return std::nullopt;
  }

  void remove(const PlannedRun& run) const {
    std::error_code ignored;
    fs::remove(file_of(run), ignored);
  }

 private:
  std::string file_of(const PlannedRun& run) const { return path_ + "/" + run.id; }

  std::string path_;
};

/// The other runs of the job by the step at which they leave the trunk.
using Branches = std::multimap<Count, const PlannedRun*>;

Branches branches_of(const PlannedRun& run, const std::vector<const PlannedRun*>& others) {
  Branches branches;
  if (run.spec.schedule.kind != ScheduleKind::wsd) return branches;
  for (const PlannedRun* other : others) {
    const Count leaves = other->spec.schedule.decay_start();
    const bool shares_way = leaves > 0 && leaves <= run.spec.schedule.decay_start();
    if (shares_way && other->spec.steps < run.spec.steps) branches.emplace(leaves, other);
  }
  return branches;
}

/// A curve, or nothing when it was told to stop.
std::optional<Curve> train_one(const PlannedRun& run,
                               const Branches& branches,
                               TaskPool& tasks,
                               const OwnTrainerOptions& options,
                               const RunContext& context) {
  const CheckpointFolder folder(options.folder);
  const std::optional<Checkpoint<float>> start = folder.read(run);
  Clock::time_point saved = Clock::now();
  const auto seconds_since_save = [&saved] {
    return std::chrono::duration<double>(Clock::now() - saved).count();
  };
  Checkpointing<float> checkpointing;
  if (start) checkpointing.start = &*start;
  checkpointing.is_due = [&](Count step) {
    if (branches.contains(step)) return true;
    constexpr double kWorthKeeping = 1.0 / 60;  // of the usual time, when told to stop
    const double share = context.should_stop() ? kWorthKeeping : 1;
    return seconds_since_save() > share * options.seconds_to_checkpoint;
  };
  checkpointing.save = [&](const Checkpoint<float>& checkpoint) {
    if (checkpoint.step >= run.spec.steps) return;
    const auto [first, last] = branches.equal_range(checkpoint.step);
    for (auto branch = first; branch != last; ++branch) folder.write(*branch->second, checkpoint);
    if (first != last) return;
    folder.write(run, checkpoint);
    saved = Clock::now();
  };
  bool is_stopped = false;
  RunObserver observer;
  observer.should_stop = [&] { return is_stopped = context.should_stop(); };
  observer.on_record = [&](const Curve& curve) {
    context.on_progress(static_cast<double>(curve.points.back().step) /
                        static_cast<double>(run.spec.steps));
  };
  Curve curve =
      train<float>(run.spec, *tasks.task(run.spec), context.threads, observer, checkpointing);
  if (is_stopped && curve.points.back().step < run.spec.steps &&
      curve.points.back().status == RunStatus::ok)
    return std::nullopt;
  folder.remove(run);
  return curve;
}

}  // namespace

JobRunner own_trainer(TaskPool& tasks, const OwnTrainerOptions& options) {
  return [&tasks, options](const std::vector<const PlannedRun*>& runs,
                           const RunContext& context,
                           const FinishRun& finish) {
    std::vector<const PlannedRun*> left = runs;
    std::stable_sort(left.begin(), left.end(), [](const PlannedRun* a, const PlannedRun* b) {
      return a->spec.steps < b->spec.steps;
    });
    while (!left.empty()) {
      const PlannedRun& run = *left.back();
      left.pop_back();
      RunContext own = context;
      const auto all = static_cast<double>(runs.size());
      const double before = (all - 1 - static_cast<double>(left.size())) / all;
      own.on_progress = [&](double share) { context.on_progress(before + share / all); };
      const std::optional<Curve> curve =
          train_one(run, branches_of(run, left), tasks, options, own);
      if (!curve) return;
      finish(run, *curve);
      tasks.finish(run.spec);
    }
  };
}

}  // namespace einsearch
