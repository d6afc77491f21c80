// Messages for people go to stderr through spdlog, one line each: "einsearch: wrote X", "einsearch:
// warning: ...".
#pragma once

#include <string>

namespace einsearch {

enum class ColorChoice { automatic, always, never };

/// Call once, before any message. `automatic` colours a terminal unless NO_COLOR is set or TERM is
/// dumb; FORCE_COLOR overrides.
void set_up_log(ColorChoice color);

void log_info(const std::string& message);
void log_warning(const std::string& message);

}  // namespace einsearch
