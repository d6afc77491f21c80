#include "search/execute.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <new>
#include <thread>

#include "base/error.h"
#include "search/claims.h"
#include "train/run.h"

namespace einsearch {
namespace {

constexpr std::chrono::milliseconds kPause(100);  // before jobs of others are looked at again

class Executor {
 public:
  Executor(const Plan& plan,
           const std::vector<Job>& jobs,
           RunStore& store,
           const Threads& threads,
           const JobRunner& runner,
           const ExecuteOptions& options)
      : plan_(plan),
        store_(store),
        threads_(threads.when_idle(idle_)),
        runner_(runner),
        options_(options),
        writer_(store.folder()),
        claims_(store.folder(), writer_.name()),
        pending_(jobs.begin(), jobs.end()) {
    for (const Job& job : jobs) {
      progress_.runs += static_cast<Count>(job.runs.size());
      total_cost_ += job.cost;
    }
  }

  ExecuteResult run(const Threads& threads);

 private:
  struct Taken {
    Job job;
    std::vector<std::size_t> left;  ///< runs that are not in the store
    double memory = 0;
  };
  enum class Answer { taken, wait, none };

  template <typename Body>
  void for_each_worker(const Threads& threads, const Body& body) const;
  void work();
  Answer take(Taken& taken);
  void run_job(const Taken& taken);
  void store_curve(const PlannedRun& run, const Curve& curve);
  void count(const StoredRun& stored);
  void count_best(const Curve& curve);
  bool should_stop();
  std::vector<std::size_t> runs_left(const Job& job) const;
  const std::string& claim_of(const Job& job) const { return plan_.runs[job.runs.back()].id; }
  void report(double share) {
    progress_.share = share;
    options_.on_progress(progress_);
  }

  const Plan& plan_;
  RunStore& store_;
  std::atomic<int> idle_ = 0;
  Threads threads_;
  const JobRunner& runner_;
  const ExecuteOptions& options_;
  StoreWriter writer_;
  Claims claims_;

  std::mutex mutex_;  // of all that follows, of the store, the writer and the claims
  std::condition_variable changed_;
  std::list<Job> pending_;
  ExecuteProgress progress_;
  ExecuteResult result_;
  double done_cost_ = 0, total_cost_ = 0, memory_ = 0;
  int running_ = 0;
  std::atomic<bool> is_ending_ = false;
  std::exception_ptr fault_;
};

std::vector<std::size_t> Executor::runs_left(const Job& job) const {
  std::vector<std::size_t> left;
  for (const std::size_t run : job.runs) {
    const StoredRun* stored = store_.find(plan_.runs[run].id);
    const bool is_done =
        stored != nullptr && !(options_.retries_failed && stored->status == RunStatus::failed);
    if (!is_done) left.push_back(run);
  }
  return left;
}

bool Executor::should_stop() {
  if (is_ending_) return true;
  if (!options_.should_stop()) return false;
  is_ending_ = true;
  return true;
}

void Executor::count(const StoredRun& stored) {
  ++result_.done;
  ++progress_.runs_done;
  if (stored.status == RunStatus::failed) ++result_.failed;
  if (stored.status == RunStatus::diverged) ++result_.diverged;
}

void Executor::count_best(const Curve& curve) {
  const CurvePoint& last = curve.points.back();
  if (last.status != RunStatus::ok) return;
  if (!progress_.best.empty() && !(last.loss < progress_.best_loss)) return;
  progress_.best = curve.structure;
  progress_.best_loss = last.loss;
}

/// The dearest job that is not done, not claimed elsewhere, and fits into memory.
Executor::Answer Executor::take(Taken& taken) {
  store_.refresh();
  claims_.beat();
  Answer answer = Answer::none;
  for (auto job = pending_.begin(); job != pending_.end();) {
    std::vector<std::size_t> left = runs_left(*job);
    const auto drop = [&] {
      for (const std::size_t run : job->runs) count(*store_.find(plan_.runs[run].id));
      done_cost_ += job->cost;
      job = pending_.erase(job);
    };
    if (left.empty()) {
      drop();
      continue;
    }
    double memory = 0;
    if (options_.run_memory) {
      for (const std::size_t run : left)
        memory = std::max(memory, options_.run_memory(plan_.runs[run]));
    }
    const bool has_room =
        options_.memory <= 0 || running_ == 0 || memory_ + memory <= options_.memory;
    if (!has_room || !claims_.try_claim(claim_of(*job))) {
      answer = Answer::wait;
      ++job;
      continue;
    }
    // Somebody may have finished it between the look at the store and the claim.
    store_.refresh();
    left = runs_left(*job);
    if (left.empty()) {
      claims_.finish(claim_of(*job));
      drop();
      continue;
    }
    taken = {.job = *job, .left = std::move(left), .memory = memory};
    pending_.erase(job);
    memory_ += memory;
    ++running_;
    return Answer::taken;
  }
  return answer;
}

void Executor::store_curve(const PlannedRun& run, const Curve& curve) {
  const std::lock_guard lock(mutex_);
  RunRecord record{.numerics = kNumericsVersion, .curve = curve};
  record.curve.run = run.id;
  writer_.append(record);
  store_.refresh();
  count(*store_.find(run.id));
  count_best(curve);
  ++result_.ran;
  ++progress_.runs_now;
}

void Executor::run_job(const Taken& taken) {
  std::vector<const PlannedRun*> runs;
  for (const std::size_t run : taken.left) runs.push_back(&plan_.runs[run]);
  for (const std::size_t run : taken.job.runs) {
    const bool is_left = std::find(taken.left.begin(), taken.left.end(), run) != taken.left.end();
    const std::lock_guard lock(mutex_);
    if (!is_left) count(*store_.find(plan_.runs[run].id));
  }
  double reported = 0;
  const auto report_share = [&](double share) {
    const std::lock_guard lock(mutex_);
    done_cost_ += (share - reported) * taken.job.cost;
    reported = share;
    report(total_cost_ > 0 ? std::min(1.0, done_cost_ / total_cost_) : 1);
    claims_.beat();
  };
  const RunContext context{.threads = threads_,
                           .should_stop = [this] { return should_stop(); },
                           .on_progress = report_share};
  const auto finish = [&](const PlannedRun& run, const Curve& curve) {
    store_curve(run, curve);
    std::erase(runs, &run);
  };
  std::string reason;
  try {
    const std::vector<const PlannedRun*> all = runs;
    runner_(all, context, finish);
  } catch (const SystemError&) {
    throw;
  } catch (const Error& error) {
    reason = error.what();
  } catch (const std::bad_alloc&) {
    reason = "out of memory";
  }
  while (!reason.empty() && !runs.empty())
    finish(*runs.front(), failed_curve(*runs.front(), reason));
  if (runs.empty()) report_share(1);
  const std::lock_guard lock(mutex_);
  runs.empty() ? claims_.finish(claim_of(taken.job)) : claims_.give_up(claim_of(taken.job));
  result_.left += static_cast<Count>(runs.size());
}

void Executor::work() {
  while (!should_stop()) {
    Taken taken;
    {
      std::unique_lock lock(mutex_);
      const Answer answer = take(taken);
      if (answer == Answer::none) return;
      if (answer == Answer::wait) {
        ++idle_;
        changed_.wait_for(lock, kPause);
        --idle_;
        continue;
      }
    }
    run_job(taken);
    {
      const std::lock_guard lock(mutex_);
      memory_ -= taken.memory;
      --running_;
    }
    changed_.notify_all();
  }
}

template <typename Body>
void Executor::for_each_worker(const Threads& threads, const Body& body) const {
  if (!options_.workers_only_wait) {
    threads.for_each_outer(options_.workers, [&](Index) { body(); });
    return;
  }
  std::vector<std::thread> workers;
  for (int i = 0; i < options_.workers; ++i) workers.emplace_back(body);
  for (std::thread& worker : workers) worker.join();
}

ExecuteResult Executor::run(const Threads& threads) {
  {
    // What is done already shows in the first line of progress.
    const std::lock_guard lock(mutex_);
    for (auto job = pending_.begin(); job != pending_.end();) {
      if (!runs_left(*job).empty()) {
        ++job;
        continue;
      }
      for (const std::size_t run : job->runs) count(*store_.find(plan_.runs[run].id));
      done_cost_ += job->cost;
      job = pending_.erase(job);
    }
    report(total_cost_ > 0 ? done_cost_ / total_cost_ : 1);
  }
  idle_ = std::max(0, threads.count() - options_.workers);
  for_each_worker(threads, [&] {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!fault_) fault_ = std::current_exception();
      is_ending_ = true;
    }
    ++idle_;
  });
  if (fault_) std::rethrow_exception(fault_);
  for (const Job& job : pending_) result_.left += static_cast<Count>(runs_left(job).size());
  return result_;
}

}  // namespace

Curve failed_curve(const PlannedRun& run, const std::string& reason) {
  Curve curve = describe(run.spec);
  curve.run = run.id;
  curve.reason = reason;
  curve.points.emplace_back().status = RunStatus::failed;
  return curve;
}

ExecuteResult execute(const Plan& plan,
                      const std::vector<Job>& jobs,
                      RunStore& store,
                      const Threads& threads,
                      const JobRunner& runner,
                      const ExecuteOptions& options) {
  return Executor(plan, jobs, store, threads, runner, options).run(threads);
}

}  // namespace einsearch
