// Tables as people and programs read them: one writer for every format, streaming, in constant
// memory.
//
// CSV follows RFC 4180 with "\n" line ends: one header line, decimal points, quotes only where
// needed, no comment lines. A missing value is empty, not-a-number is nan (both null in JSON).
// Numbers are the shortest text that reads back to the same double; the formats made for eyes
// (table, md) round to four significant digits instead.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace einsearch {

enum class TableFormat { table, csv, tsv, jsonl, json, markdown };

/// Names as typed after --format: table, csv, tsv, jsonl, json, md.
const std::vector<std::string>& table_format_names();
TableFormat parse_table_format(std::string_view name);

/// Writes rows cell by cell: for each row one call per column, then end_row(); finish() once at the
/// end.
class TableWriter {
 public:
  using Sink = std::function<void(std::string_view)>;

  TableWriter(TableFormat format, std::vector<std::string> columns, Sink sink);

  /// Rows alone, to be handed to add_rows() of another writer: without header and end. Any format
  /// but table, whose widths all rows decide.
  static TableWriter rows_alone(TableFormat format, std::vector<std::string> columns, Sink sink);
  void add_rows(std::string_view rows);

  TableWriter& cell(double value);
  TableWriter& cell(Count value);
  TableWriter& cell(int value) { return cell(static_cast<Count>(value)); }
  TableWriter& cell(std::string_view text);
  TableWriter& cell(const char* text) { return cell(std::string_view(text)); }
  TableWriter& missing();
  /// Missing if not finite.
  TableWriter& number_or_missing(double value);
  /// Missing unless positive.
  TableWriter& count_or_missing(Count value);
  void end_row();

  /// Hands finished rows to the sink now, except where the format still has to align them.
  void flush();

  /// Hands everything still held back to the sink; the format table aligns its first rows and needs
  /// this.
  void finish();

 private:
  enum class Frame { whole, rows_alone };
  TableWriter(TableFormat format, std::vector<std::string> columns, Sink sink, Frame frame);

  struct Cell {
    std::string text;
    bool is_number;
  };

  void put(std::string_view text, bool is_number, bool is_missing);
  void write_header();
  void write_aligned(const std::vector<Cell>& row);
  void flush_aligned();

  TableFormat format_;
  std::vector<std::string> columns_;
  Sink sink_;
  Frame frame_;
  std::string buffer_;
  std::size_t column_ = 0;
  bool is_first_row_ = true;
  bool is_aligned_ = false;              // table: widths are decided
  std::vector<std::vector<Cell>> held_;  // table: rows that decide the widths
  std::vector<Cell> row_;                // table: the row being built
  std::vector<std::size_t> widths_;
};

/// Shortest text that reads back to the same double; "nan", "inf", "-inf" otherwise.
std::string format_number(double value);

/// Four significant digits, for eyes.
std::string format_rounded(double value);

}  // namespace einsearch
