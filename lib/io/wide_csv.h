// Curves from wide tables: one column per run, as W&B exports charts ("Step","run - loss","run -
// loss__MIN",...), or one file per run, as TensorBoard does ("Wall time,Step,Value").
//
// A pattern chooses the columns (or files) by name and takes them apart: its first group is the
// structure, the second the width, the third the seed. Without groups every column is a structure
// of its own.
//
//   dense-w64-s0 - loss     with     '(.*)-w([0-9]+)-s([0-9]+) - loss$'
#pragma once

#include <string>
#include <vector>

#include "io/curve_csv.h"

namespace einsearch {

/// Names of `names` apply where they can: train_flops is the column that all runs share (without
/// one of that name: Step or step), where chooses rows. Empty cells are passed over; nan and inf
/// mark a run diverged. Throws Error for a pattern that is none, that no column matches, for a
/// width or seed that is no whole number, and for two columns of one run.
CurveFile read_wide_curves(const std::vector<std::string>& paths,
                           const std::string& pattern,
                           const CurveColumnNames& names);

}  // namespace einsearch
