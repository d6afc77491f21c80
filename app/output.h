// Where a table goes: --format and -o, the same for every command.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "io/table.h"

namespace CLI {
class App;
}

namespace einsearch {

struct OutputOptions {
  std::string format;      ///< empty: table on a terminal, csv otherwise
  std::string path = "-";  ///< "-" is stdout
};

/// Declares --format and -o,--output.
void add_output_options(CLI::App& app, OutputOptions& options);

/// The format asked for, or table when the table goes to a terminal and csv otherwise.
TableFormat chosen_format(const OutputOptions& options);

/// A text sink for stdout or for a file that appears whole at finish(), which says so in the log.
class Output {
 public:
  explicit Output(const std::string& path);

  void write(std::string_view text);
  void flush();
  void finish();
  TableWriter::Sink sink();

 private:
  std::string path_;
  std::optional<AtomicFile> file_;
};

/// A whole table as CSV.
std::string csv_text(const std::vector<std::string>& columns,
                     const std::function<void(TableWriter&)>& write);

/// Makes a folder that results will be written to. Throws Error where that is impossible, now
/// rather than after the runs.
void make_results_folder(const std::string& folder);

}  // namespace einsearch
