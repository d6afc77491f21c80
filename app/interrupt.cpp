#include "interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string_view>

#include "io/atomic_file.h"

namespace einsearch {
namespace {

void say(std::string_view text) {
  // Nothing is left to do when the terminal is gone.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

std::atomic<bool> is_gentle = false;  // lock-free, so that a handler may touch them
std::atomic<int> first_signal = 0;

extern "C" void end_program(int number) {
  int none = 0;
  if (is_gentle && first_signal.compare_exchange_strong(none, number)) return;
  remove_unfinished_files();
  if (isatty(STDERR_FILENO) == 1) say("\r\033[K");
  say(number == SIGINT ? "einsearch: interrupted\n" : "einsearch: terminated\n");
  _exit(128 + number);
}

}  // namespace

void stop_gently_on_signals() { is_gentle = true; }

int stop_signal() { return first_signal; }

void end_cleanly_on_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = end_program;
    sigfillset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
}

}  // namespace einsearch
