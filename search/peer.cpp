#include "search/peer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "io/csv.h"

namespace einsearch {
namespace {

constexpr std::string_view kLineStart = "torch ";

/// "w= 64 1.5 ms/step" -> the number after `w=`, the number before `ms/step`.
class Words {
 public:
  Words(const std::string& line, std::string where) : where_(std::move(where)) {
    std::istringstream in(line);
    for (std::string word; in >> word;) words_.push_back(word);
  }

  const std::string& operator[](std::size_t i) const { return words_.at(i); }
  std::size_t size() const { return words_.size(); }

  double after(std::string_view key) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (!words_[i].starts_with(key)) continue;
      if (words_[i].size() > key.size()) return number(words_[i].substr(key.size()), key);
      if (i + 1 < words_.size()) return number(words_[i + 1], key);
    }
    return number("", key);
  }

  double before(std::string_view unit) const {
    for (std::size_t i = 1; i < words_.size(); ++i) {
      if (words_[i] == unit) return number(words_[i - 1], unit);
    }
    return number("", unit);
  }

 private:
  double number(const std::string& text, std::string_view what) const {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || !(value > 0) || !std::isfinite(value)) {
      throw Error("bad line of a peer",
                  {.where = where_,
                   .expected = fmt::format("a positive number at {}", what),
                   .got = fmt::format("\"{}\"", text)});
    }
    return value;
  }

  std::string where_;
  std::vector<std::string> words_;
};

}  // namespace

PeerTable::PeerTable(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  Count number = 0;
  bool is_lines = false;
  while (path != "-" && std::getline(file, line)) {
    ++number;
    if (!is_lines && !line.starts_with(kLineStart)) break;
    is_lines = true;
    read_line(line, fmt::format("{}:{}", path, number));
  }
  if (!is_lines) read_csv(path);
}

void PeerTable::read_csv(const std::string& path) {
  CsvReader csv(path);
  const std::size_t name = csv.require("name"), structure = csv.require("structure"),
                    width = csv.require("width"), batch = csv.require("batch"),
                    threads = csv.require("threads"), ms = csv.require("ms_per_step");
  while (csv.next()) {
    if (csv.is_empty(ms)) continue;
    Row row{.name = std::string(csv.field(name)),
            .structure = std::string(csv.field(structure)),
            .width = {},
            .batch = {},
            .threads = csv.count(threads),
            .ms_per_step = csv.number(ms)};
    if (!csv.is_empty(width)) row.width = csv.count(width);
    if (!csv.is_empty(batch)) row.batch = csv.number(batch);
    if (!(row.ms_per_step > 0)) {
      throw Error("bad time",
                  {.where = csv.where(),
                   .expected = "ms_per_step above 0",
                   .got = std::string(csv.field(ms))});
    }
    rows_.push_back(std::move(row));
  }
}

void PeerTable::read_line(const std::string& line, const std::string& where) {
  const Words words(line, where);
  if (words.size() < 2 || words[0] != "torch" || !words[1].starts_with("mlp-")) return;
  const double ms = words.before("ms/step"), steps_per_s = words.before("steps/s");
  // Both are rounded to two decimals: the larger number is the more exact.
  const double step_s = ms > steps_per_s ? 1e-3 * ms : 1 / steps_per_s;
  const double rank = words.after("rank=");
  std::string structure = words[1].substr(4);
  if (structure == "btt" && rank > 1) structure += fmt::format(":ranks={}", rank);
  rows_.push_back({.name = "mlp_step",
                   .structure = structure,
                   .width = static_cast<Index>(words.after("w=")),
                   .batch = words.before("samples/s") * step_s,
                   .threads = static_cast<Count>(words.after("threads=")),
                   .ms_per_step = 1e3 * step_s});
}

std::optional<double> PeerTable::ms_per_step(const BenchmarkRow& row) const {
  constexpr double kSameBatch = 0.005;
  const auto is_same_batch = [&](const std::optional<double>& batch) {
    if (!batch || !row.batch) return !batch && !row.batch;
    const auto ours = static_cast<double>(*row.batch);
    return std::abs(*batch - ours) <= kSameBatch * ours;
  };
  std::optional<double> fastest;
  for (const Row& peer : rows_) {
    if (peer.name != row.name || peer.structure != row.structure || peer.width != row.width ||
        peer.threads != row.threads || !is_same_batch(peer.batch))
      continue;
    if (!fastest || peer.ms_per_step < *fastest) fastest = peer.ms_per_step;
  }
  return fastest;
}

}  // namespace einsearch
