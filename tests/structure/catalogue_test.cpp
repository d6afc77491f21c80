#include "structure/catalogue.h"

#include <doctest/doctest.h>

#include "golden.h"
#include "structure/notation.h"

using namespace einsearch;

TEST_CASE("data/structures.csv lists dense and the structures that are compiled in") {
  const auto records = read_csv_records(std::string(EINSEARCH_SOURCE_DIR) + "/data/structures.csv");
  CHECK(records.size() == paper_structures().size() + 1);
  for (const CsvRecord& record : records) {
    CAPTURE(record.at("structure"));
    CHECK(parse_structure(record.at("structure")).theta == parse_theta(record.at("theta")));
    CHECK_FALSE(record.at("origin").empty());
  }
}
