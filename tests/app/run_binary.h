// Runs a program as a user does, with stdout, stderr and exit status apart.
#pragma once

#include <string>
#include <vector>

namespace einsearch {

struct Outcome {
  std::string out;
  std::string err;
  int status = -1;  ///< exit status; 128 + signal when a signal ended it
};

/// The built einsearch with these arguments (no shell in between) and `input` as standard input.
Outcome run_einsearch(const std::vector<std::string>& arguments, const std::string& input = "");

/// A line for sh -c; $EINSEARCH is the built program.
Outcome run_shell(const std::string& line, const std::string& input = "");

/// One line of error, status 2, nothing on stdout, this message.
void check_refused(const Outcome& outcome, const std::string& message);

std::string contents(const std::string& path);

std::size_t count_lines(const std::string& text);

/// A file name under a fresh folder that is removed at exit.
std::string scratch_path(const std::string& name);

}  // namespace einsearch
