// The order in which NumPy's default sort (quicksort, without vector instructions) puts rows.
#pragma once

#include <span>
#include <vector>

#include "base/types.h"

namespace einsearch {

/// Positions of `values` in ascending order. Rows of equal value come in the order that NumPy's
/// argsort leaves them in: quicksort with the median of three, insertion sort for up to 16 rows,
/// the larger part put aside. That order is arbitrary but fixed, and the reference's frontiers
/// depend on it wherever two runs share a compute.
std::vector<Index> quicksort_order(std::span<const double> values);

}  // namespace einsearch
