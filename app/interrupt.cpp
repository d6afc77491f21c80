#include "interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <string_view>

#include "io/atomic_file.h"

namespace einsearch {
namespace {

void say(std::string_view text) {
  // Nothing is left to do when the terminal is gone.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

extern "C" void end_program(int number) {
  remove_unfinished_files();
  if (isatty(STDERR_FILENO) == 1) say("\r\033[K");
  say(number == SIGINT ? "einsearch: interrupted\n" : "einsearch: terminated\n");
  _exit(128 + number);
}

}  // namespace

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
