// What every column of every table means. Tables take their headers from here, so that a name has
// one meaning.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace einsearch {

struct ColumnInfo {
  std::string_view name;
  std::string_view unit;  ///< empty: none (a count, a ratio, text)
  std::string_view meaning;
};

/// Columns of one structure at one size, in the order of `enumerate`.
std::span<const ColumnInfo> structure_columns();

/// Columns of a learning curve, one row per recorded step.
std::span<const ColumnInfo> curve_columns();

/// Columns of a ranking, one row per structure.
std::span<const ColumnInfo> ranking_columns();

/// Columns of the points of frontiers, one row per point.
std::span<const ColumnInfo> frontier_columns();

/// What `enumerate --ladder` adds to a structure, and the table of `enumerate --suggest-ladder`.
std::span<const ColumnInfo> ladder_columns();
std::span<const ColumnInfo> suggestion_columns();

/// What `inspect` adds to a structure.
std::span<const ColumnInfo> inspect_columns();

/// Columns of `bench`, one row per measurement, and what --peer adds.
std::span<const ColumnInfo> bench_columns();
std::span<const ColumnInfo> peer_columns();

/// Columns of `sweep --dry-run`, one row per scale of the plan, and of `status`, one row per
/// structure.
std::span<const ColumnInfo> plan_columns();
std::span<const ColumnInfo> status_columns();

/// Columns of `check`, one row per structure; the thresholds are in fit/tuning.h.
std::span<const ColumnInfo> tuning_columns();

/// Columns of the ranking of `search`, one row per structure, of its decisions.csv, and of `search
/// --replay`, one row per strategy.
std::span<const ColumnInfo> search_columns();
std::span<const ColumnInfo> search_plan_columns();
std::span<const ColumnInfo> decision_columns();
std::span<const ColumnInfo> replay_columns();

/// Columns of `selftest`, one row per check.
std::span<const ColumnInfo> selftest_columns();

/// The names alone.
std::vector<std::string> column_names(std::span<const ColumnInfo> columns);

}  // namespace einsearch
