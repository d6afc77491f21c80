// Options of a sweep as TOML: read from the user's file, and written beside the results so that a
// store knows what it is for.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "sweep_arguments.h"

namespace einsearch {

/// Gives `command` the options of section [sweep] that the command line has not given: keys are the
/// long names of options; arrays are lists. Sections named otherwise are for other commands. Throws
/// Error with line and column for what is no TOML, an unknown key (with did-you-mean) and a bad
/// value.
void apply_config_file(CLI::App& command, const std::string& path);
void apply_config(CLI::App& command, const std::string& text, const std::string& name);

/// The options in effect that say what the runs are, as TOML. `structures` replaces --structures,
/// which may have come from a pipe.
std::string effective_config(const CLI::App& command, const std::vector<Structure>& structures);

/// The grid that such a text stands for. `name` is what errors call it.
Grid grid_of_config(const std::string& text, const std::string& name);

}  // namespace einsearch
