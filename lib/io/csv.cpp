#include "io/csv.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {
namespace {

constexpr std::size_t kChunkBytes = 1 << 18;
constexpr std::size_t kMostQuoted = 40;    // characters of a bad field that an error repeats
constexpr std::size_t kMostColumns = 200;  // characters of a header that an error repeats
constexpr int kEnd = -1;

/// Text for an error message: without control characters, cut to `most`.
std::string shown(std::string_view text, std::size_t most) {
  std::string out(text.substr(0, most));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text.size() > most ? out + "..." : out;
}

std::string in_quotes(std::string_view text) {
  return text.empty() ? "nothing" : fmt::format("\"{}\"", shown(text, kMostQuoted));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || stop != text.data() + text.size()) return std::nullopt;
  // Out of range: from_chars leaves the value alone; such sizes mean infinity or zero to nobody.
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

void CsvReader::Close::operator()(gzFile_s* file) const {
  if (file != nullptr) gzclose_r(file);
}

CsvReader::CsvReader(const std::string& path) : name_(path == "-" ? "standard input" : path) {
  const int file = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Error("cannot read", {.where = name_, .got = std::strerror(errno)});
  file_.reset(gzdopen(file, "rb"));
  if (file_ == nullptr) {
    close(file);
    throw std::bad_alloc();
  }
  struct stat info {};
  if (fstat(file, &info) == 0 && S_ISDIR(info.st_mode)) {
    throw Error("cannot read", {.where = name_, .expected = "a CSV file", .got = "a folder"});
  }
  buffer_.resize(kChunkBytes);
  if (peek() == 0xEF) {  // UTF-8 byte-order mark
    for (int i = 0; i < 3; ++i) take();
  }
  if (!read_record()) {
    throw Error("empty table", {.where = name_, .expected = "a header line", .got = "nothing"});
  }
  for (std::size_t i = 0; i < stops_.size(); ++i) header_.emplace_back(field(i));
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (!header_[i].empty() && *find(header_[i]) != i) {
      throw Error("a column twice", {.where = where(), .got = in_quotes(header_[i])});
    }
  }
}

int CsvReader::peek() {
  if (position_ == filled_) {
    position_ = 0;
    const int count = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
    filled_ = static_cast<std::size_t>(std::max(count, 0));
    if (filled_ == 0) {
      int status = Z_OK;
      gzerror(file_.get(), &status);
      if (status == Z_ERRNO)
        throw SystemError("cannot read", {.where = name_, .got = std::strerror(errno)});
      if (status < 0) {
        throw Error("cannot unpack",
                    {.where = name_,
                     .expected = "a whole gzip file",
                     .got = status == Z_BUF_ERROR ? "one that ends early" : "damaged data"});
      }
      return kEnd;
    }
  }
  return static_cast<unsigned char>(buffer_[position_]);
}

int CsvReader::take() {
  const int c = peek();
  if (c == kEnd) return kEnd;
  ++position_;
  if (c == '\n') ++line_;
  return c;
}

/// Reads up to the closing quote; what follows must be a comma or a line end.
void CsvReader::read_quoted_field() {
  take();
  while (true) {
    const int c = take();
    if (c == kEnd) {
      throw Error("quote without end", {.where = where(), .expected = "a closing \""});
    }
    if (c != '"') {
      text_ += static_cast<char>(c);
    } else if (peek() == '"') {
      text_ += static_cast<char>(take());
    } else {
      break;
    }
  }
  const int next = peek();
  if (next != ',' && next != '\n' && next != '\r' && next != kEnd) {
    throw Error("text after a closing quote",
                {.where = where(), .expected = "a comma or a line end"});
  }
}

void CsvReader::read_plain_field() {
  while (true) {
    const int c = peek();
    if (c == kEnd || c == ',' || c == '\n') break;
    // Bytes up to the next separator or end of the chunk, at once.
    const char* const first = buffer_.data() + position_;
    const char* const last = buffer_.data() + filled_;
    const char* stop = first;
    while (stop != last && *stop != ',' && *stop != '\n' && *stop != '"') ++stop;
    if (stop != last && *stop == '"') {
      throw Error("quote inside a field",
                  {.where = where(), .expected = "the whole field in quotes, quotes doubled"});
    }
    text_.append(first, stop);
    position_ += static_cast<std::size_t>(stop - first);
  }
}

/// Reads one record, whatever it is; blank lines are passed over. False at the end.
bool CsvReader::read_record() {
  do {
    text_.clear();
    stops_.clear();
    record_line_ = line_;
    if (peek() == kEnd) return false;
    while (true) {
      peek() == '"' ? read_quoted_field() : read_plain_field();
      if (peek() == '\r') take();  // only after a closing quote
      const int separator = take();
      const bool is_last = separator != ',';
      const std::size_t start = stops_.empty() ? 0 : stops_.back();
      if (is_last && text_.size() > start && text_.back() == '\r') text_.pop_back();
      stops_.push_back(text_.size());
      if (is_last) break;
    }
  } while (stops_.size() == 1 && text_.empty());
  return true;
}

bool CsvReader::next() {
  while (read_record()) {
    const bool has_same_count = stops_.size() == header_.size();
    bool is_header = has_same_count;
    for (std::size_t i = 0; is_header && i < header_.size(); ++i)
      is_header = field(i) == header_[i];
    if (is_header) continue;
    if (looks_like_a_header()) {
      throw Error("a second, different header",
                  {.where = where(),
                   .expected = "the columns of the first",
                   .got = in_quotes(std::string(field(0)) + ",..."),
                   .hint = "give such tables as separate files"});
    }
    if (!has_same_count) {
      throw Error("ragged row",
                  {.where = where(),
                   .expected = fmt::format("{} fields", header_.size()),
                   .got = std::to_string(stops_.size())});
    }
    return true;
  }
  return false;
}

/// A record is taken for a header when at least two of its fields, and half of them, are names of
/// columns.
bool CsvReader::looks_like_a_header() const {
  std::size_t matches = 0;
  for (std::size_t i = 0; i < stops_.size(); ++i) {
    // Text that starts like a number is data; most rows end here.
    const std::string_view text = field(i);
    if (text.empty() || (text[0] >= '0' && text[0] <= '9') || text[0] == '-') continue;
    if (find(text)) ++matches;
  }
  return matches >= 2 && 2 * matches >= stops_.size();
}

std::optional<std::size_t> CsvReader::find(std::string_view column) const {
  const auto found = std::find(header_.begin(), header_.end(), column);
  if (found == header_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header_.begin());
}

std::size_t CsvReader::require(std::string_view column) const {
  if (const auto found = find(column)) return *found;
  throw Error("missing column",
              {.where = name_,
               .expected = std::string(column),
               .got = shown(fmt::format("{}", fmt::join(header_, ",")), kMostColumns),
               .hint = did_you_mean(column, header_)});
}

std::string_view CsvReader::field(std::size_t column) const {
  const std::size_t start = column == 0 ? 0 : stops_[column - 1];
  return std::string_view(text_).substr(start, stops_[column] - start);
}

double CsvReader::number(std::size_t column) const {
  if (const auto value = parse_number(field(column))) return *value;
  throw Error(
      "not a number",
      {.where = field_where(column), .expected = "a number", .got = in_quotes(field(column))});
}

Count CsvReader::count(std::size_t column) const {
  const double value = number(column);
  if (std::nearbyint(value) == value && std::abs(value) <= 0x1p53) return static_cast<Count>(value);
  // Seeds and digests may need all 63 bits.
  const std::string_view text = trimmed(field(column));
  Count exact = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), exact);
  if (error == std::errc() && stop == text.data() + text.size()) return exact;
  throw Error("not a whole number",
              {.where = field_where(column),
               .expected = "a whole number",
               .got = in_quotes(field(column))});
}

std::string CsvReader::where() const { return fmt::format("{}:{}", name_, record_line_); }

std::string CsvReader::field_where(std::size_t column) const {
  return fmt::format("{}, column {}", where(), header_[column]);
}

}  // namespace einsearch
