// What the program says of a command line that it cannot read.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace einsearch {

/// What CLI11 says, in one line of the program's own form, with did-you-mean for commands, options
/// and values.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv);

}  // namespace einsearch
