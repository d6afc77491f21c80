// A user's own regression data: a CSV with a header, its last column the target, or two NumPy
// arrays, inputs (N, ...) and targets (N, ...), as "x.npy,y.npy".
#pragma once

#include <string>

#include "task/example_set.h"

namespace einsearch {

/// Every number is finite. Throws Error naming file and line (CSV) or element (.npy).
ExampleTable read_examples(const std::string& path);

}  // namespace einsearch
