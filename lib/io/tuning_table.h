// The table of `einsearch check`: one row per structure, its columns are tuning_columns().
#pragma once

#include <string>
#include <vector>

#include "fit/tuning.h"
#include "io/table.h"

namespace einsearch {

void write_tuning(TableWriter& table, const TuningReport& report);

/// For eyes: the numbers alone, and the verdict.
std::vector<std::string> tuning_summary_columns();
void write_tuning_summary(TableWriter& table, const TuningReport& report);

}  // namespace einsearch
