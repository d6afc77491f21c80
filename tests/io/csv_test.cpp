#include "io/csv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "app/run_binary.h"
#include "base/error.h"

using namespace einsearch;

namespace {

std::string file_with(const std::string& text) {
  const std::string path = scratch_path("table.csv");
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

/// Fields of all records, "|" between fields and "/" after records.
std::string all_fields(const std::string& text) {
  CsvReader csv(file_with(text));
  std::string out;
  while (csv.next()) {
    for (std::size_t i = 0; i < csv.header().size(); ++i) {
      out += std::string(csv.field(i)) + (i + 1 < csv.header().size() ? "|" : "/");
    }
  }
  return out;
}

}  // namespace

TEST_CASE(
    "CSV: quotes, line ends, byte-order marks and blank lines are read as RFC 4180 has them") {
  CHECK(all_fields("a,b\n1,2\n3,4\n") == "1|2/3|4/");
  CHECK(all_fields("a,b\r\n1,2\r\n3,4") == "1|2/3|4/");
  CHECK(all_fields("\xEF\xBB\xBF"
                   "a,b\n1,2\n") == "1|2/");
  CHECK(all_fields("a,b\n\"x,\"\"y\"\"\nz\",2\n") == "x,\"y\"\nz|2/");
  CHECK(all_fields("a,b\n\"x\",\"\"\r\n\r\n,\n") == "x|/|/");
  CHECK(all_fields("\"a\",\"b\"\n1,2\n") == "1|2/");
  CHECK(all_fields("a\nlast line without end") == "last line without end/");
  CHECK(all_fields("a,b\n").empty());
}

TEST_CASE("CSV: a line equal to the header is skipped wherever it stands") {
  CHECK(all_fields("a,b\n1,2\na,b\n3,4\na,b\n") == "1|2/3|4/");
}

TEST_CASE("CSV: faults name the file, the line, and what was expected") {
  struct Row {
    const char* text;
    const char* message;
  };
  for (const auto& [text, message] :
       {Row{"", "empty table"},
        {"\n\n", "empty table"},
        {"a,b\n1,2\n1,2,3\n", "ragged row, FILE:3: expected 2 fields, got 3"},
        {"a,b\n\n1\n", "ragged row, FILE:3: expected 2 fields, got 1"},
        {"a,b\n1,2\nb,a\n3,4\n", "a second, different header, FILE:3"},
        {"a,b\n1,2\na,b,c\n", "a second, different header, FILE:3"},
        {"a,b\n1,\"2\n3,4\n", "quote without end, FILE:2"},
        {"a,b\n1,\"2\"3\n", "text after a closing quote, FILE:2"},
        {"a,b\n1,2\"3\"\n", "quote inside a field, FILE:2"},
        {"a,a\n1,2\n", "a column twice, FILE:1"}}) {
    CAPTURE(text);
    std::string expected = message;
    const std::string path = scratch_path("table.csv");
    if (const auto place = expected.find("FILE"); place != std::string::npos) {
      expected.replace(place, 4, path);
    }
    CHECK_THROWS_WITH_AS(all_fields(text), doctest::Contains(expected.c_str()), Error);
  }
  CHECK_THROWS_WITH_AS(
      CsvReader("/nonexistent/table.csv"), doctest::Contains("cannot read"), Error);
  CHECK_THROWS_WITH_AS(CsvReader("/tmp"), doctest::Contains("a folder"), Error);
}

TEST_CASE("CSV: lines are counted through quoted line ends") {
  CsvReader csv(file_with("a,b\n\"x\ny\",1\nz,w\n"));
  REQUIRE(csv.next());
  REQUIRE(csv.next());
  CHECK(csv.where().ends_with(":4"));
  CHECK_THROWS_WITH_AS(csv.number(1), doctest::Contains(":4, column b"), Error);
}

TEST_CASE("CSV: numbers are read whole or refused") {
  CsvReader csv(
      file_with("a,b,c,d,e\n1e3, 2.50 ,nan,-inf,9223372036854775807\n1x,,1e999,0.5,--1\n"));
  REQUIRE(csv.next());
  CHECK(csv.number(0) == 1000);
  CHECK(csv.count(0) == 1000);
  CHECK(csv.number(1) == 2.5);
  CHECK(std::isnan(csv.number(2)));
  CHECK(csv.number(3) == -INFINITY);
  CHECK(csv.count(4) == 9223372036854775807);
  REQUIRE(csv.next());
  for (std::size_t column : {0u, 1u, 2u, 4u}) CHECK_THROWS_AS(csv.number(column), Error);
  CHECK_THROWS_WITH_AS(csv.count(3), doctest::Contains("whole number"), Error);
}

TEST_CASE("CSV: a missing column names those that are there") {
  const CsvReader csv(file_with("structure,widths\n"));
  CHECK_THROWS_WITH_AS(csv.require("width"), doctest::Contains("did you mean widths?"), Error);
  CHECK_FALSE(csv.find("width"));
  const CsvReader binary(file_with("\x01\x02\n"));
  CHECK_THROWS_WITH_AS(binary.require("width"), doctest::Contains("got ??"), Error);
}

TEST_CASE("CSV: what gzip packed is read as it was, and a damaged file is an error") {
  std::string text = "a,b\n";
  for (int i = 0; i < 20000; ++i) text += std::to_string(i) + "," + std::to_string(i * i) + "\n";
  const std::string path = file_with(text), packed = scratch_path("packed.csv.gz");
  REQUIRE(run_shell("gzip -c " + path + " >" + packed).status == 0);
  CsvReader csv(packed);
  Count rows = 0;
  while (csv.next()) {
    REQUIRE(csv.count(0) == rows);
    ++rows;
  }
  CHECK(rows == 20000);
  const std::string torn = scratch_path("torn.csv.gz");
  REQUIRE(run_shell("head -c 60000 " + packed + " >" + torn).status == 0);
  const auto read_all = [&torn] {
    CsvReader reader(torn);
    while (reader.next()) {
    }
  };
  CHECK_THROWS_WITH_AS(read_all(), doctest::Contains("one that ends early"), Error);
}
