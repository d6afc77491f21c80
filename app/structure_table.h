// Rows of the structure table, the same for every command that prints structures.
#pragma once

#include "io/table.h"
#include "structure/candidate.h"

namespace einsearch {

/// The cells of structure_columns(), without the end of the row.
void put_structure(TableWriter& table, const Candidate& candidate);

}  // namespace einsearch
