#include "golden.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace einsearch {
namespace {

constexpr std::array kGoldenFiles = {"taxonomy.csv",
                                     "dims.csv",
                                     "feasibility.csv",
                                     "forward.json",
                                     "mlp_model.json",
                                     "gpt_model.json",
                                     "c5m_model.json",
                                     "model_summary.csv",
                                     "mlp_exact.json",
                                     "gpt_exact.json",
                                     "ar_exact.json",
                                     "moe.json",
                                     "fit.json",
                                     "train_synth.json"};

std::filesystem::path golden_folder() {
  const char* folder = std::getenv("EINSEARCH_GOLDEN");
  if (folder != nullptr && *folder != '\0') return folder;
  return std::filesystem::path(EINSEARCH_SOURCE_DIR) / "tests" / "golden";
}

std::vector<std::string> split_record(const std::string& line) {
  std::vector<std::string> cells(1);
  bool is_quoted = false;
  for (const char c : line) {
    if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == ',' && !is_quoted) {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return cells;
}

}  // namespace

std::optional<std::string> find_golden(const std::string& file) {
  const std::filesystem::path path = golden_folder() / file;
  if (std::filesystem::exists(path)) return path.string();
  MESSAGE("skipped: " << golden_folder().string() << " has no " << file);
  return std::nullopt;
}

std::vector<CsvRecord> read_csv_records(const std::string& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.is_open(), path);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> header = split_record(line);
  std::vector<CsvRecord> records;
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = split_record(line);
    REQUIRE_MESSAGE(cells.size() == header.size(), path << ": " << line);
    CsvRecord& record = records.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) record[header[i]] = cells[i];
  }
  return records;
}

TEST_CASE("the folder of golden files holds at least one of them") {
  bool has_any = false;
  for (const char* file : kGoldenFiles) {
    has_any = has_any || std::filesystem::exists(golden_folder() / file);
  }
  CHECK_MESSAGE(has_any, golden_folder().string());
}

}  // namespace einsearch
