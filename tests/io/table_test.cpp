#include "io/table.h"

#include <doctest/doctest.h>

#include <limits>

using namespace einsearch;

namespace {

std::string two_rows(TableFormat format) {
  std::string text;
  TableWriter table(format, {"name", "value"}, [&text](std::string_view part) { text += part; });
  table.cell("a,\"b\"").cell(0.1).end_row();
  table.cell("c|d").missing().end_row();
  table.finish();
  return text;
}

}  // namespace

TEST_CASE("each format renders quotes, separators and missing values by its own rules") {
  CHECK(two_rows(TableFormat::csv) == "name,value\n\"a,\"\"b\"\"\",0.1\nc|d,\n");
  CHECK(two_rows(TableFormat::tsv) == "name\tvalue\na,\"b\"\t0.1\nc|d\t\n");
  CHECK(two_rows(TableFormat::jsonl) ==
        "{\"name\": \"a,\\\"b\\\"\", \"value\": 0.1}\n{\"name\": \"c|d\", \"value\": null}\n");
  CHECK(
      two_rows(TableFormat::json) ==
      "[\n{\"name\": \"a,\\\"b\\\"\", \"value\": 0.1},\n{\"name\": \"c|d\", \"value\": null}\n]\n");
  CHECK(two_rows(TableFormat::markdown) ==
        "| name | value |\n| --- | --- |\n| a,\"b\" | 0.1 |\n| c\\|d |  |\n");
  CHECK(two_rows(TableFormat::table) == "name   value\na,\"b\"    0.1\nc|d         \n");
}

TEST_CASE("a table without rows still has its header") {
  const auto empty = [](TableFormat format) {
    std::string text;
    TableWriter table(format, {"a", "b"}, [&text](std::string_view part) { text += part; });
    table.finish();
    return text;
  };
  CHECK(empty(TableFormat::csv) == "a,b\n");
  CHECK(empty(TableFormat::json) == "[\n]\n");
  CHECK(empty(TableFormat::jsonl).empty());
  CHECK(empty(TableFormat::table) == "a  b\n");
}

TEST_CASE("numbers are the shortest text that reads back to the same double") {
  CHECK(format_number(0.1) == "0.1");
  CHECK(format_number(1.0) == "1");
  CHECK(format_number(std::numeric_limits<double>::quiet_NaN()) == "nan");
  for (const double x : {1.0 / 3, 1e-300, 6.02e23, 123456789.125})
    CHECK(std::stod(format_number(x)) == x);
}
