// Columns of the tables that `fit-scaling --law surface` and `--law line` print.
#pragma once

#include <span>

#include "io/columns.h"

namespace einsearch {

std::span<const ColumnInfo> surface_columns();
std::span<const ColumnInfo> line_columns();

}  // namespace einsearch
