#include "io/point_csv.h"

#include <fmt/format.h>

#include <cassert>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/error.h"

namespace einsearch {
namespace {

/// A group on its way, with the numbers of its runs.
struct Collecting {
  PointGroup group;
  std::unordered_map<std::string, Index> runs;
};

struct Collected {
  std::map<std::string, Collecting> groups;
  Count n_without_value = 0;
  Count n_diverged = 0;
};

/// Positions of the columns of one file.
struct PointLayout {
  std::vector<std::size_t> group, values;
  std::optional<std::size_t> run, status;
};

PointLayout find_columns(const CsvReader& csv, const PointColumns& columns) {
  PointLayout layout;
  for (const std::string& name : columns.group) {
    if (columns.is_group_optional && !csv.find(name)) continue;
    layout.group.push_back(csv.require(name));
  }
  for (const std::string& name : columns.values) layout.values.push_back(csv.require(name));
  if (!columns.run.empty()) layout.run = csv.require(columns.run);
  layout.status = csv.find("status");
  return layout;
}

enum class RowState { used, without_value, diverged };

RowState read_values(const CsvReader& csv,
                     const PointLayout& layout,
                     const PointColumns& columns,
                     PointRow& row) {
  if (layout.status && csv.field(*layout.status) == "diverged") return RowState::diverged;
  for (std::size_t i = 0; i < layout.values.size(); ++i) {
    if (csv.is_empty(layout.values[i])) return RowState::without_value;
    row.values[i] = csv.number(layout.values[i]);
  }
  for (const double value : row.values) {
    if (!std::isfinite(value)) return RowState::diverged;
  }
  for (std::size_t i = 0; i < layout.values.size(); ++i) {
    if (row.values[i] > 0) continue;
    throw Error("value without a logarithm",
                {.where = csv.where() + ", column " + columns.values[i],
                 .expected = "a number above 0",
                 .got = std::string(csv.field(layout.values[i]))});
  }
  return RowState::used;
}

void read_group_name(const CsvReader& csv, const PointLayout& layout, std::string& name) {
  name.clear();
  for (const std::size_t column : layout.group) {
    if (!name.empty()) name += '/';
    name += csv.field(column);
  }
  if (layout.group.empty()) name = "all";
}

void read_file(const std::string& path, const PointColumns& columns, Collected& collected) {
  CsvReader csv(path);
  const PointLayout layout = find_columns(csv, columns);
  const RowFilter where(columns.where, csv);
  const RowFilter hold_out(columns.hold_out, csv);
  std::string name;
  while (csv.next()) {
    if (!where.passes(csv)) continue;
    PointRow row;
    const RowState state = read_values(csv, layout, columns, row);
    if (state == RowState::without_value) ++collected.n_without_value;
    if (state == RowState::diverged) ++collected.n_diverged;
    if (state != RowState::used) continue;
    row.is_held_out = !hold_out.is_empty() && hold_out.passes(csv);
    read_group_name(csv, layout, name);
    auto& [group, runs] = collected.groups[name];
    row.run = static_cast<Index>(group.rows.size());
    if (layout.run) {
      const auto next = static_cast<Index>(runs.size());
      row.run = runs.try_emplace(std::string(csv.field(*layout.run)), next).first->second;
    }
    group.n_runs = std::max(group.n_runs, static_cast<Count>(row.run) + 1);
    group.rows.push_back(row);
  }
}

}  // namespace

PointFile read_points(const std::vector<std::string>& paths, const PointColumns& columns) {
  assert(columns.values.size() <= PointRow{}.values.size());
  Collected collected;
  for (const std::string& path : paths) read_file(path, columns, collected);
  PointFile file;
  for (auto& [name, collecting] : collected.groups) {
    collecting.group.name = name;
    file.groups.push_back(std::move(collecting.group));
  }
  if (file.groups.empty()) {
    throw Error(
        "no rows",
        {.expected = fmt::format("rows with {}", fmt::join(columns.values, ", ")), .got = "none"});
  }
  if (collected.n_without_value > 0) {
    file.remarks.push_back(
        fmt::format("{} rows without a value passed over", collected.n_without_value));
  }
  if (collected.n_diverged > 0) {
    file.remarks.push_back(fmt::format("{} rows that diverged (nan, infinite, or marked) left out",
                                       collected.n_diverged));
  }
  return file;
}

}  // namespace einsearch
