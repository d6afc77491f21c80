#include "io/example_files.h"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "app/run_binary.h"
#include "base/error.h"

using namespace einsearch;

namespace {

std::string write(const std::string& name, const std::string& bytes) {
  const std::string path = scratch_path(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

template <typename T>
std::string npy(const std::string& type, const std::string& shape, const std::vector<T>& numbers) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header += std::string((64 - (10 + header.size() + 1) % 64) % 64, ' ') + "\n";
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size());
  text += static_cast<char>(header.size() >> 8);
  text += header;
  text.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
  return text;
}

void check_refused(const std::string& path, const char* start) {
  CAPTURE(path);
  try {
    read_examples(path);
    FAIL("accepted");
  } catch (const Error& error) {
    CAPTURE(error.what());
    CHECK(std::string(error.what()).starts_with(start));
  }
}

}  // namespace

TEST_CASE("a CSV's last column is the target") {
  const ExampleTable table = read_examples(write("t.csv", "a,b,y\n1,2,3\n4,5,6e-1\n"));
  CHECK(table.count == 2);
  CHECK(table.inputs == 2);
  CHECK(table.outputs == 1);
  CHECK(table.x == std::vector<double>{1, 2, 4, 5});
  CHECK(table.y == std::vector<double>{3, 0.6});
}

TEST_CASE("two arrays of any numeric type are rows of inputs and targets") {
  const std::string x = write("x.npy", npy<float>("<f4", "(2, 3)", {1, 2, 3, 4, 5, 6.5F}));
  const std::string y = write("y.npy", npy<std::int64_t>("<i8", "(2,)", {-7, 8}));
  const ExampleTable table = read_examples(x + "," + y);
  CHECK(table.count == 2);
  CHECK(table.inputs == 3);
  CHECK(table.outputs == 1);
  CHECK(table.x == std::vector<double>{1, 2, 3, 4, 5, 6.5});
  CHECK(table.y == std::vector<double>{-7, 8});
}

TEST_CASE("tables that cannot be learned from are refused") {
  const std::string x = write("x.npy", npy<float>("<f4", "(2, 1)", {1, 2}));
  check_refused(write("one.csv", "y\n1\n"), "too few columns");
  check_refused(write("nan.csv", "x,y\n1,nan\n"), "not a finite number");
  check_refused(write("text.csv", "x,y\n1,two\n"), "");
  check_refused(scratch_path("missing.csv"), "");
  check_refused(x, "inputs without targets");
  check_refused(x + "," + write("z.npy", npy<float>("<f4", "(3,)", {1, 2, 3})),
                "inputs and targets do not match");
  check_refused(x + "," + write("w.npy", npy<float>("<f4", "(2,)", {1, 1.0F / 0.0F})),
                "not a finite number");
  check_refused(x + "," + write("v.npy", npy<float>("<f4", "(2,)", {1})), "a truncated array");
  check_refused(x + "," + write("u.npy", npy<float>(">f4", "(2,)", {1, 1})),
                "an array of an unknown type");
  check_refused(x + "," + write("s.npy", npy<float>("<f4", "()", {1})), "not rows of numbers");
}
