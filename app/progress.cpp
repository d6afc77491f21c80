#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "log.h"

namespace einsearch {
namespace {

bool can_redraw() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::size_t terminal_width() {
  winsize size{};
  const bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

Progress::Progress(std::string task)
    : task_(std::move(task)), is_terminal_(can_redraw()), start_(Clock::now()), shown_(start_) {}

Progress::~Progress() { clear(); }

void Progress::update(double share, const std::string& detail) {
  const std::lock_guard lock(mutex_);
  if (first_share_ < 0) first_share_ = share;
  const Clock::time_point now = Clock::now();
  const auto pause =
      is_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(60000);
  if (now - shown_ < pause) return;
  shown_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  std::string text = fmt::format("{}  {:3.0f}% {}", task_, 100 * share, detail);
  const double done = share - first_share_;
  if (done > 0.01 * (1 - first_share_))
    text += fmt::format(" | {} left", clock_text(elapsed * (1 - share) / done));
  if (is_terminal_) {
    text.resize(std::min(text.size(), terminal_width() - 1));
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
    is_drawn_ = true;
  } else {
    log_info(text);
  }
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  if (!is_drawn_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  is_drawn_ = false;
}

}  // namespace einsearch
