// "Did you mean ...?" for commands, options, names and columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace einsearch {

/// The candidate closest to `word` by edit distance, or empty when none is near.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

/// "did you mean X?", or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace einsearch
