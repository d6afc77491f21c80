// What the program says of a command line that it cannot read.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace einsearch {

/// The command that words name, as far as they do.
struct ChosenCommand {
  const CLI::App* command;   ///< the innermost named so far: the program itself, train, data text
  std::string path;          ///< its name as typed, e.g. "data text"; empty: the program itself
  std::size_t words_before;  ///< its options begin there
  std::string unknown;       ///< a word that should have been one of its commands

  bool is_complete() const { return command->get_subcommands({}).empty(); }
};

/// Names of the commands that a command has.
std::vector<std::string> command_names(const CLI::App& app);

ChosenCommand find_command(const CLI::App& app, const std::vector<std::string>& words);

/// What CLI11 says, in one line of the program's own form, with did-you-mean for commands, options
/// and values.
std::string usage_message(const CLI::App& app,
                          const CLI::ParseError& error,
                          const std::vector<std::string>& words);

}  // namespace einsearch
