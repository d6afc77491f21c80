// Columns of the tables that `fit-scaling --law surface` and `--law line`, its reports beside the
// ranking, and `score` print.
#pragma once

#include <span>

#include "io/columns.h"

namespace einsearch {

std::span<const ColumnInfo> rollout_columns();
std::span<const ColumnInfo> effect_columns();
std::span<const ColumnInfo> score_columns();
std::span<const ColumnInfo> surface_columns();
std::span<const ColumnInfo> line_columns();

}  // namespace einsearch
