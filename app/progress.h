// One line on stderr that says how far a long command is: redrawn in place on a terminal (at most
// ten times a second), a log line a minute elsewhere.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

namespace einsearch {

class Progress {
 public:
  explicit Progress(std::string task);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `share` of the work that is done, in [0, 1], and what to say beside it. Thread-safe. The time
  /// that is left follows from what has been done since the first call.
  void update(double share, const std::string& detail);

  /// Removes the line.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::string task_;
  bool is_terminal_;
  Clock::time_point start_, shown_;
  double first_share_ = -1;
  bool is_drawn_ = false;
  std::mutex mutex_;
};

}  // namespace einsearch
