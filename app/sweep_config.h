// Options of a sweep as TOML, in the form that --config reads: written beside the results, and read
// again, so that a store knows what it is for.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "sweep_arguments.h"

namespace einsearch {

/// The options in effect that say what the runs are, as TOML. `structures` replaces --structures,
/// which may have come from a pipe.
std::string effective_config(const CLI::App& command,
                             const std::vector<ModelStructure>& structures);

/// The grid that such a text stands for. Throws Error for what is no such text; `name` is what it
/// calls the text.
Grid grid_of_config(const std::string& text, const std::string& name);

}  // namespace einsearch
