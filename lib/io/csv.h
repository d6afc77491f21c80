// Reading CSV as RFC 4180 has it, one record at a time, in constant memory.
//
// Quoted fields may hold commas, quotes (doubled) and line ends; lines end in "\n" or "\r\n"; a
// byte-order mark and blank lines are skipped. A record equal to the header is skipped wherever it
// stands, so that `cat *.csv` is a valid table; a record that names other columns is an error, and
// so is every record with another number of fields. Errors name the file and the line. Tables
// compressed with gzip are read as what they hold, from standard input too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

struct gzFile_s;  // of zlib

namespace einsearch {

class CsvReader {
 public:
  /// Opens a file, or standard input for "-", and reads the header. Throws Error when the file
  /// cannot be read or is empty.
  explicit CsvReader(const std::string& path);

  const std::vector<std::string>& header() const { return header_; }

  /// Position of a column, or nothing.
  std::optional<std::size_t> find(std::string_view column) const;
  /// Position of a column that must be there; throws Error with did-you-mean otherwise.
  std::size_t require(std::string_view column) const;

  /// Moves to the next record; false at the end.
  bool next();

  /// Fields of the current record; views are valid until next().
  std::string_view field(std::size_t column) const;
  bool is_empty(std::size_t column) const { return field(column).empty(); }
  /// A field as a number; nan, inf and -inf are numbers. Throws Error naming line and column.
  double number(std::size_t column) const;
  /// A field as a whole number (64, 64.0 and 1e3 are); throws Error naming line and column.
  Count count(std::size_t column) const;

  /// "name:line" of the current record, for errors.
  std::string where() const;

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };

  int peek();
  int take();
  bool read_record();
  void read_quoted_field();
  void read_plain_field();
  bool looks_like_a_header() const;
  std::string field_where(std::size_t column) const;

  std::string name_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::vector<char> buffer_;
  std::size_t position_ = 0;
  std::size_t filled_ = 0;
  Count line_ = 1;         // line the parser stands on
  Count record_line_ = 1;  // line the current record began on
  std::vector<std::string> header_;
  std::string text_;                // the fields of the current record, end to end
  std::vector<std::size_t> stops_;  // where each field ends in text_
};

}  // namespace einsearch
