#include "io/example_files.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "io/csv.h"
#include "io/mapped_file.h"
#include "io/npy.h"

namespace einsearch {
namespace {

ExampleTable read_csv(const std::string& path) {
  CsvReader csv(path);
  const std::size_t columns = csv.header().size();
  if (columns < 2) {
    throw Error("too few columns",
                {.where = path, .expected = "inputs, and the target last", .got = "1"});
  }
  ExampleTable table{
      .count = 0, .inputs = static_cast<Index>(columns) - 1, .outputs = 1, .x = {}, .y = {}};
  while (csv.next()) {
    for (std::size_t column = 0; column < columns; ++column) {
      const double value = csv.number(column);
      if (!std::isfinite(value)) {
        throw Error("not a finite number",
                    {.where = csv.where() + ", column " + csv.header()[column],
                     .got = std::string(csv.field(column))});
      }
      (column + 1 < columns ? table.x : table.y).push_back(value);
    }
    ++table.count;
  }
  return table;
}

/// The array's rows, flattened: (N, columns).
std::pair<Index, std::vector<double>> read_rows(const std::string& path, Count& count) {
  const MappedFile file(path);
  const NpyArray array = parse_npy(file.bytes(), path);
  if (array.shape.empty()) throw Error("not rows of numbers", {.where = path, .got = "a scalar"});
  count = array.shape.front();
  const Count size = array.size();
  std::vector<double> values(static_cast<std::size_t>(size));
  for (Count i = 0; i < size; ++i) {
    const double value = values[static_cast<std::size_t>(i)] = array.number(i);
    if (!std::isfinite(value)) {
      throw Error(
          "not a finite number",
          {.where = fmt::format("{}, element {}", path, i), .got = fmt::format("{}", value)});
    }
  }
  return {count > 0 ? size / count : 0, std::move(values)};
}

ExampleTable read_arrays(const std::string& inputs, const std::string& targets) {
  ExampleTable table;
  Count target_count = 0;
  std::tie(table.inputs, table.x) = read_rows(inputs, table.count);
  std::tie(table.outputs, table.y) = read_rows(targets, target_count);
  if (table.count != target_count) {
    throw Error("inputs and targets do not match",
                {.where = targets,
                 .expected = fmt::format("{} rows", table.count),
                 .got = fmt::format("{}", target_count)});
  }
  if (table.count > 0 && (table.inputs == 0 || table.outputs == 0))
    throw Error("rows without numbers", {.where = table.inputs == 0 ? inputs : targets});
  return table;
}

}  // namespace

ExampleTable read_examples(const std::string& path) {
  const std::size_t comma = path.find(',');
  const bool are_arrays = path.ends_with(".npy");
  if (are_arrays && comma == std::string::npos) {
    throw Error("inputs without targets",
                {.where = path, .expected = "two arrays: x.npy,y.npy, or a CSV"});
  }
  return are_arrays ? read_arrays(path.substr(0, comma), path.substr(comma + 1)) : read_csv(path);
}

}  // namespace einsearch
