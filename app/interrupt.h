// How the program ends on Ctrl-C and on a request to terminate.
#pragma once

namespace einsearch {

/// SIGINT, SIGTERM and SIGHUP remove unfinished files, wipe the progress line and end the program
/// at once with status 128 + signal (130, 143, 129), except those that the caller ignores (nohup).
/// SIGPIPE keeps its default, so that `| head` ends a command quietly.
void end_cleanly_on_signals();

/// From now on the first such signal only sets stop_signal(), for a command that then ends by
/// itself; the second ends the program as above.
void stop_gently_on_signals();

/// The number of the first signal, or 0.
int stop_signal();

}  // namespace einsearch
