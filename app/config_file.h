// --config FILE: options from a TOML file, one section per command.
//
//     color = "never"            # options of every command
//
//     [train]
//     structure = "btt"
//     steps = 1e4                # numbers, text; lists for what the command line takes with commas
//     weight-norm = true         # flags; underscores do for dashes
//
//     [data.text]                # a command of two words
//     documents = "line"
//
// Options of the command line beat the environment, which beats the file.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

namespace einsearch {

struct CommandLine {
  std::vector<std::string> words;             ///< without the name of the program
  std::map<std::string, std::string> origin;  ///< where options of the file stand: file:line

  /// "" or " (--steps is in run.toml:3)", for a message about an option of the file.
  std::string origin_of(const std::string& message) const;
};

/// Declares --config.
void add_config_option(CLI::App& app);

/// Names of a command's options as keys of a file have them.
std::vector<std::string> config_keys(const CLI::App& command);

/// The words, and behind the chosen command what the file of --config has for it. Throws Error with
/// line and column: a file that is not TOML, a section that is no command, a key that is no option
/// of its command, a value that no option takes.
CommandLine with_config(const CLI::App& app, std::vector<std::string> words);

}  // namespace einsearch
