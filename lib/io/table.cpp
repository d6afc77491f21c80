#include "io/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "base/error.h"

namespace einsearch {
namespace {

constexpr std::size_t kRowsThatDecideWidths = 200;
constexpr std::size_t kFlushBytes = 1 << 16;
constexpr std::string_view kJsonSeparator = ",\n";

struct FormatName {
  std::string_view name;
  TableFormat format;
};

constexpr std::array<FormatName, 6> kFormats = {{{"table", TableFormat::table},
                                                 {"csv", TableFormat::csv},
                                                 {"tsv", TableFormat::tsv},
                                                 {"jsonl", TableFormat::jsonl},
                                                 {"json", TableFormat::json},
                                                 {"md", TableFormat::markdown}}};

bool is_json(TableFormat format) {
  return format == TableFormat::jsonl || format == TableFormat::json;
}

bool is_for_eyes(TableFormat format) {
  return format == TableFormat::table || format == TableFormat::markdown;
}

void append_csv_text(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_tsv_text(std::string& out, std::string_view text) {
  for (const char c : text) out += (c == '\t' || c == '\n' || c == '\r') ? ' ' : c;
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_markdown_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
}

/// Columns that text takes on a terminal: UTF-8 continuation bytes take none.
std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

const std::vector<std::string>& table_format_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const FormatName& entry : kFormats) list.emplace_back(entry.name);
    return list;
  }();
  return names;
}

TableFormat parse_table_format(std::string_view name) {
  for (const FormatName& entry : kFormats) {
    if (entry.name == name) return entry.format;
  }
  throw Error("unknown table format",
              {.expected = "table, csv, tsv, jsonl, json or md", .got = std::string(name)});
}

std::string format_number(double value) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{}", value);
}

std::string format_rounded(double value) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{:.4g}", value);
}

TableWriter::TableWriter(TableFormat format, std::vector<std::string> columns, Sink sink)
    : TableWriter(format, std::move(columns), std::move(sink), Frame::whole) {}

TableWriter::TableWriter(TableFormat format,
                         std::vector<std::string> columns,
                         Sink sink,
                         Frame frame)
    : format_(format), columns_(std::move(columns)), sink_(std::move(sink)), frame_(frame) {
  assert(format != TableFormat::table || frame == Frame::whole);
  if (frame == Frame::whole) write_header();
}

TableWriter TableWriter::rows_alone(TableFormat format,
                                    std::vector<std::string> columns,
                                    Sink sink) {
  return TableWriter(format, std::move(columns), std::move(sink), Frame::rows_alone);
}

void TableWriter::add_rows(std::string_view rows) {
  if (rows.empty()) return;
  buffer_ += rows;
  is_first_row_ = false;
  if (buffer_.size() >= kFlushBytes) flush();
}

TableWriter& TableWriter::cell(double value) {
  if (is_json(format_) && !std::isfinite(value)) {
    put("null", true, false);
  } else if (is_for_eyes(format_)) {
    put(format_rounded(value), true, false);
  } else if (std::isnan(value)) {
    put("nan", true, false);
  } else {
    std::array<char, 32> digits;
    const auto end = fmt::format_to(digits.data(), "{}", value);
    put({digits.data(), static_cast<std::size_t>(end - digits.data())}, true, false);
  }
  return *this;
}

TableWriter& TableWriter::cell(Count value) {
  const fmt::format_int digits(value);
  put({digits.data(), digits.size()}, true, false);
  return *this;
}

TableWriter& TableWriter::cell(std::string_view text) {
  put(text, false, false);
  return *this;
}

TableWriter& TableWriter::missing() {
  put(is_json(format_) ? "null" : "", true, true);
  return *this;
}

TableWriter& TableWriter::number_or_missing(double value) {
  return std::isfinite(value) ? cell(value) : missing();
}

TableWriter& TableWriter::count_or_missing(Count value) {
  return value > 0 ? cell(value) : missing();
}

void TableWriter::put(std::string_view text, bool is_number, bool is_missing) {
  assert(column_ < columns_.size());
  const bool is_first = column_ == 0;
  switch (format_) {
    case TableFormat::table:
      row_.push_back({std::string(text), is_number});
      break;
    case TableFormat::csv:
      if (!is_first) buffer_ += ',';
      is_number ? void(buffer_ += text) : append_csv_text(buffer_, text);
      break;
    case TableFormat::tsv:
      if (!is_first) buffer_ += '\t';
      is_number ? void(buffer_ += text) : append_tsv_text(buffer_, text);
      break;
    case TableFormat::jsonl:
    case TableFormat::json:
      buffer_ += is_first ? "{" : ", ";
      append_json_text(buffer_, columns_[column_]);
      buffer_ += ": ";
      is_number ? void(buffer_ += text) : append_json_text(buffer_, text);
      break;
    case TableFormat::markdown:
      buffer_ += is_first ? "| " : " | ";
      if (!is_missing) append_markdown_text(buffer_, text);
      break;
  }
  ++column_;
}

void TableWriter::end_row() {
  assert(column_ == columns_.size());
  column_ = 0;
  switch (format_) {
    case TableFormat::table:
      if (is_aligned_) {
        write_aligned(row_);
      } else {
        held_.push_back(row_);
        if (held_.size() == kRowsThatDecideWidths) flush_aligned();
      }
      row_.clear();
      break;
    case TableFormat::csv:
    case TableFormat::tsv:
      buffer_ += '\n';
      break;
    case TableFormat::jsonl:
      buffer_ += "}\n";
      break;
    case TableFormat::json:
      // The comma belongs before the next row; finish() closes the list.
      buffer_ += "}";
      break;
    case TableFormat::markdown:
      buffer_ += " |\n";
      break;
  }
  is_first_row_ = false;
  if (format_ == TableFormat::json) buffer_ += kJsonSeparator;
  if (buffer_.size() >= kFlushBytes) flush();
}

void TableWriter::write_header() {
  const auto join = [this](std::string_view separator, auto append) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) buffer_ += separator;
      append(buffer_, columns_[i]);
    }
  };
  switch (format_) {
    case TableFormat::csv:
      join(",", append_csv_text);
      buffer_ += '\n';
      break;
    case TableFormat::tsv:
      join("\t", append_tsv_text);
      buffer_ += '\n';
      break;
    case TableFormat::json:
      buffer_ += "[\n";
      break;
    case TableFormat::markdown:
      buffer_ += "| ";
      join(" | ", append_markdown_text);
      buffer_ += " |\n|";
      for (std::size_t i = 0; i < columns_.size(); ++i) buffer_ += " --- |";
      buffer_ += '\n';
      break;
    case TableFormat::table:
    case TableFormat::jsonl:
      break;
  }
}

void TableWriter::write_aligned(const std::vector<Cell>& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t width = display_width(row[i].text);
    const std::string gap(widths_[i] > width ? widths_[i] - width : 0, ' ');
    if (i > 0) buffer_ += "  ";
    if (row[i].is_number) {
      buffer_ += gap + row[i].text;
    } else {
      buffer_ += row[i].text;
      if (i + 1 < row.size()) buffer_ += gap;
    }
  }
  buffer_ += '\n';
}

void TableWriter::flush_aligned() {
  widths_.assign(columns_.size(), 0);
  std::vector<Cell> header;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths_[i] = display_width(columns_[i]);
    bool is_number = !held_.empty();
    for (const std::vector<Cell>& row : held_) {
      widths_[i] = std::max(widths_[i], display_width(row[i].text));
      is_number = is_number && row[i].is_number;
    }
    header.push_back({columns_[i], is_number});
  }
  write_aligned(header);
  for (const std::vector<Cell>& row : held_) write_aligned(row);
  held_.clear();
  is_aligned_ = true;
}

void TableWriter::flush() {
  // The separator after a row of JSON waits: finish() takes it back after the last one.
  const bool is_open = format_ == TableFormat::json && !is_first_row_ && frame_ == Frame::whole;
  const std::size_t ready = buffer_.size() - (is_open ? kJsonSeparator.size() : 0);
  if (ready == 0) return;
  sink_(std::string_view(buffer_).substr(0, ready));
  buffer_.erase(0, ready);
}

void TableWriter::finish() {
  if (format_ == TableFormat::table && !is_aligned_) flush_aligned();
  if (format_ == TableFormat::json && frame_ == Frame::whole) {
    if (!is_first_row_) buffer_.resize(buffer_.size() - kJsonSeparator.size());
    buffer_ += is_first_row_ ? "]\n" : "\n]\n";
  }
  if (!buffer_.empty()) sink_(buffer_);
  buffer_.clear();
}

}  // namespace einsearch
