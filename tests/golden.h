// Files of numbers made by the reference implementation: tests/golden, or the folder named by the
// environment variable EINSEARCH_GOLDEN.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace einsearch {

/// Path of a golden file, or nothing (with a message) when the folder lacks it: skip the test then.
std::optional<std::string> find_golden(const std::string& file);

using CsvRecord = std::map<std::string, std::string>;

/// Rows of a CSV file by column name; understands quotes, nothing more.
std::vector<CsvRecord> read_csv_records(const std::string& path);

}  // namespace einsearch
