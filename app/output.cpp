#include "output.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "log.h"

namespace einsearch {

void add_output_options(CLI::App& app, OutputOptions& options) {
  app.add_option("--format",
                 options.format,
                 "table (default on a terminal), csv (otherwise), tsv, jsonl, json, md")
      ->type_name("FORMAT")
      ->check(CLI::IsMember(table_format_names()));
  app.add_option("-o,--output",
                 options.path,
                 "write to FILE, which appears whole or not at all; - is stdout")
      ->type_name("FILE");
}

TableFormat chosen_format(const OutputOptions& options) {
  if (!options.format.empty()) return parse_table_format(options.format);
  const bool is_terminal = options.path == "-" && isatty(STDOUT_FILENO) == 1;
  return is_terminal ? TableFormat::table : TableFormat::csv;
}

Output::Output(const std::string& path) : path_(path) {
  if (path != "-") file_.emplace(path);
}

void Output::write(std::string_view text) {
  if (file_) {
    file_->write(text);
  } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw SystemError("cannot write", {.where = "standard output", .got = std::strerror(errno)});
  }
}

void Output::flush() {
  if (!file_ && std::fflush(stdout) != 0) {
    throw SystemError("cannot write", {.where = "standard output", .got = std::strerror(errno)});
  }
}

void Output::finish() {
  if (file_) {
    file_->commit();
    log_info("wrote " + path_);
  } else {
    flush();
  }
}

TableWriter::Sink Output::sink() {
  return [this](std::string_view text) { write(text); };
}

std::string csv_text(const std::vector<std::string>& columns,
                     const std::function<void(TableWriter&)>& write) {
  std::string text;
  TableWriter table(TableFormat::csv, columns, [&text](std::string_view part) { text += part; });
  write(table);
  table.finish();
  return text;
}

void make_results_folder(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure)
    throw Error("cannot make the folder of results", {.where = folder, .got = failure.message()});
  write_file(folder + "/.einsearch", "");
  std::filesystem::remove(folder + "/.einsearch", failure);
}

}  // namespace einsearch
