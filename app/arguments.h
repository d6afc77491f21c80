// Options whose values are checked by the program itself: counts such as 1e6, finite numbers,
// seeds. CLI11 turns "-1" for an unsigned into 1.8e19 and refuses 1e6 for integers, so text goes
// through one parser here.
#pragma once

#include <CLI/CLI.hpp>
#include <limits>
#include <string>
#include <vector>

#include "base/types.h"
#include "nn/mixture_options.h"

namespace einsearch {

/// Limits of a number, both included.
template <typename Number>
struct Range {
  Number lowest;
  Number highest;
};

constexpr Range<Count> kPositive{1, std::numeric_limits<Count>::max()};
constexpr Range<Count> kNonNegative{0, std::numeric_limits<Count>::max()};

/// A whole number written as 1000, 1e3 or 1_000; throws Error naming `option` otherwise.
Count parse_count(const std::string& text,
                  const std::string& option,
                  Range<Count> range = kPositive);

/// A finite number; throws Error naming `option` otherwise.
double parse_real(const std::string& text, const std::string& option, Range<double> range);

/// A list of numbers: items X, A..B (steps of one), A..B+S, A..B*K (both ends included, as far as
/// the steps reach), by commas. At most a million; throws Error naming `option`.
std::vector<double> parse_reals(const std::string& text,
                                const std::string& option,
                                Range<double> range);
std::vector<Count> parse_counts(const std::string& text,
                                const std::string& option,
                                Range<Count> range = kPositive);

/// Seconds from "90", "90s", "45m", "2h", "1d", "1:30:00" or "20:00"; throws Error.
double parse_duration(const std::string& text, const std::string& option);

/// Bytes from "4G", "512M", "1.5GiB", "800k" or a plain number, all by 1024; throws Error.
double parse_bytes(const std::string& text, const std::string& option);

CLI::Option* add_count(CLI::App& app,
                       const std::string& name,
                       Count& value,
                       const std::string& description,
                       Range<Count> range = kPositive);
CLI::Option* add_real(CLI::App& app,
                      const std::string& name,
                      double& value,
                      const std::string& description,
                      Range<double> range);

/// Structures by name or theta; "paper" stands for the 23 of data/structures.csv.
std::vector<Structure> parse_structures(const std::string& list);

/// As parse_structures, and mixtures of experts.
std::vector<ModelStructure> parse_model_structures(const std::string& list);

/// Splits at commas outside parentheses; a comma directly before `key=` belongs to its item.
std::vector<std::string> split_list(const std::string& text);

}  // namespace einsearch
