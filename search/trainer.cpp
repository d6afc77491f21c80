#include "search/trainer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/csv.h"
#include "io/file_descriptor.h"
#include "train/run.h"

extern char** environ;

namespace einsearch {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kTryAgain = 75;  // EX_TEMPFAIL of sysexits.h
constexpr int kAttempts = 3;
constexpr std::chrono::seconds kGrace(10);  // between SIGTERM and SIGKILL

/// Slots that are free; a run takes the first.
class Slots {
 public:
  explicit Slots(std::vector<std::string> names)
      : free_(std::move(names)), are_limited_(!free_.empty()) {}

  std::optional<std::string> take() {
    const std::lock_guard lock(mutex_);
    if (!are_limited_) return std::nullopt;
    std::string name = free_.front();
    free_.erase(free_.begin());
    return name;
  }
  void give_back(const std::optional<std::string>& name) {
    const std::lock_guard lock(mutex_);
    if (name) free_.push_back(*name);
  }

 private:
  std::vector<std::string> free_;
  bool are_limited_;
  std::mutex mutex_;
};

/// The environment of einsearch with some variables set anew.
std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool is_replaced = std::any_of(
        variables.begin(), variables.end(), [&](const auto& v) { return v.first == name; });
    if (!is_replaced) environment.emplace_back(text);
  }
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

struct Command {
  std::string text, json, run_folder;
  std::optional<std::string> slot;

  std::string out() const { return run_folder + "/stdout.csv"; }
  std::string err() const { return run_folder + "/stderr.txt"; }
};

/// Starts the command in a process group of its own.
pid_t start(const Command& command) {
  std::vector<std::string> words = {"sh", "-c", command.text + " \"$1\"", "sh", command.json};
  std::vector<std::pair<std::string, std::string>> variables = {
      {"EINSEARCH_RUN_DIR", command.run_folder}};
  if (command.slot) {
    variables.emplace_back("EINSEARCH_SLOT", *command.slot);
    variables.emplace_back("CUDA_VISIBLE_DEVICES", *command.slot);
  }
  std::vector<std::string> environment = environment_with(variables);
  const std::vector<char*> argv = pointers(words), envp = pointers(environment);
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  const FileDescriptor in(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const FileDescriptor out(open(command.out().c_str(), kWrite, 0666));
  const FileDescriptor err(open(command.err().c_str(), kWrite, 0666));
  if (in.get() < 0 || out.get() < 0 || err.get() < 0)
    throw SystemError("cannot write", {.where = command.run_folder, .got = std::strerror(errno)});
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw SystemError("cannot start the trainer", {.got = std::strerror(errno)});
  if (child > 0) {
    setpgid(child, child);  // here and there: whoever is first
    return child;
  }
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool is_ready = getppid() == parent && dup2(in.get(), STDIN_FILENO) >= 0 &&
                        dup2(out.get(), STDOUT_FILENO) >= 0 && dup2(err.get(), STDERR_FILENO) >= 0;
  if (is_ready) execve("/bin/sh", argv.data(), envp.data());
  _exit(127);
}

enum class End { by_itself, stopped, timed_out };

struct Outcome {
  End end = End::by_itself;
  int state = 0;  ///< of waitpid
};

/// Waits for the end of a child; ends it when told to stop, or after the time it has.
Outcome wait_for(pid_t child, double timeout_s, const RunContext& context) {
  Outcome outcome;
  const FileDescriptor handle(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  const Clock::time_point begin = Clock::now();
  std::optional<Clock::time_point> asked;
  while (waitpid(child, &outcome.state, WNOHANG) == 0) {
    pollfd wake{.fd = handle.get(), .events = POLLIN, .revents = 0};
    poll(&wake, 1, 50);
    const std::chrono::duration<double> elapsed = Clock::now() - begin;
    const bool is_late = timeout_s > 0 && elapsed.count() > timeout_s;
    if (!asked && (context.should_stop() || is_late)) {
      outcome.end = is_late ? End::timed_out : End::stopped;
      asked = Clock::now();
      kill(-child, SIGTERM);
    }
    if (asked && Clock::now() - *asked > kGrace) kill(-child, SIGKILL);
  }
  kill(-child, SIGKILL);  // what it may have left behind
  return outcome;
}

/// The last line with anything on it, as far as a reason in a table goes.
std::string last_line(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  constexpr std::size_t kMost = 500;
  for (char& c : last) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return last.substr(0, kMost);
}

std::string with_last_line(const std::string& what, const Command& command) {
  const std::string line = last_line(command.err());
  return line.empty() ? what : what + ": " + line;
}

/// The rows that the trainer printed. Throws Error, which is the reason of a failed run.
std::vector<CurvePoint> read_points(const std::string& path, const RunSpec& spec) {
  if (fs::file_size(path) == 0) throw Error("the trainer printed no rows");
  CsvReader csv(path);
  const std::size_t step = csv.require("step"), examples = csv.require("examples"),
                    flops = csv.require("train_flops"), loss = csv.require("loss");
  const auto train_loss = csv.find("train_loss"), rate = csv.find("lr"), time = csv.find("time_s");
  const auto number = [&csv](std::optional<std::size_t> column) {
    return column && !csv.is_empty(*column) ? csv.number(*column) : kMissing;
  };
  std::vector<CurvePoint> points;
  while (csv.next()) {
    CurvePoint& point = points.emplace_back();
    point.step = csv.count(step);
    point.examples = csv.count(examples);
    point.train_flops = csv.number(flops);
    point.loss = csv.number(loss);
    point.train_loss = number(train_loss);
    point.rate = number(rate);
    point.time_s = number(time);
    point.anneal = spec.schedule.anneal(point.step);
    if (!std::isfinite(point.loss)) {
      point.status = RunStatus::diverged;
      point.loss = kMissing;
    }
    const bool is_rising = points.size() < 2 || point.step > points[points.size() - 2].step;
    if (!is_rising || !std::isfinite(point.train_flops) || point.train_flops < 0) {
      throw Error("a row that cannot be",
                  {.where = csv.where(),
                   .expected = "rising steps, finite train_flops",
                   .got = fmt::format("step {}, {} FLOPs", point.step, point.train_flops)});
    }
  }
  if (points.empty()) throw Error("the trainer printed no rows");
  return points;
}

/// A curve, or nothing when the run was stopped. Throws Error with the reason of a failure.
std::optional<Curve> train_elsewhere(const PlannedRun& run,
                                     const TrainerOptions& options,
                                     const std::optional<std::string>& slot,
                                     const RunContext& context) {
  Command command{.text = options.command,
                  .json = {},
                  .run_folder = options.folder + "/" + run.id,
                  .slot = slot};
  std::error_code failed;
  fs::create_directory(options.folder, failed);  // not the store: it may have been removed
  fs::create_directory(command.run_folder, failed);
  if (failed)
    throw SystemError("cannot write", {.where = command.run_folder, .got = failed.message()});
  command.json = command.run_folder + "/run.json";
  write_file(command.json, run_json(run, options.data));
  for (int attempt = 1;; ++attempt) {
    const Outcome outcome = wait_for(start(command), options.timeout_s, context);
    if (outcome.end == End::stopped) return std::nullopt;
    if (outcome.end == End::timed_out)
      throw Error(with_last_line(fmt::format("no end after {} s", options.timeout_s), command));
    if (WIFSIGNALED(outcome.state))
      throw Error(with_last_line(fmt::format("signal {}", WTERMSIG(outcome.state)), command));
    const int status = WEXITSTATUS(outcome.state);
    if (status == 0) break;
    if (status != kTryAgain || attempt == kAttempts) {
      const char* tries = status == kTryAgain ? " three times" : "";
      throw Error(with_last_line(fmt::format("exit status {}{}", status, tries), command));
    }
  }
  Curve curve = describe(run.spec);
  curve.points = read_points(command.out(), run.spec);
  return curve;
}

}  // namespace

JobRunner other_trainer(const TrainerOptions& options) {
  return [options, slots = std::make_shared<Slots>(options.slots)](
             const std::vector<const PlannedRun*>& runs,
             const RunContext& context,
             const FinishRun& finish) {
    struct Slot {
      Slots& slots;
      std::optional<std::string> name;
      ~Slot() { slots.give_back(name); }
    } slot{*slots, slots->take()};
    for (const PlannedRun* run : runs) {
      try {
        const std::optional<Curve> curve = train_elsewhere(*run, options, slot.name, context);
        if (!curve) return;
        finish(*run, *curve);
        std::error_code ignored;
        fs::remove_all(options.folder + "/" + run->id, ignored);
      } catch (const SystemError&) {
        throw;
      } catch (const Error& reason) {
        finish(*run, failed_curve(*run, reason.what()));
      }
    }
  };
}

}  // namespace einsearch
