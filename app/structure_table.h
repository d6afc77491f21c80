// Rows of the structure table, the same for every command that prints structures.
#pragma once

#include <array>
#include <string>
#include <unordered_map>

#include "io/table.h"
#include "structure/candidate.h"

namespace einsearch {

/// Writes the cells of structure_columns(). Remembers the texts of exponents and einsums, which are
/// few in a lattice and dear to make.
class StructureRows {
 public:
  /// Without the end of the row.
  void put(TableWriter& table, const Candidate& candidate);

 private:
  const std::string& exponent(double x);
  void write_theta(const Theta& theta);
  const std::string& einsum(const LayerShape& shape);

  std::unordered_map<double, std::string> exponents_;
  std::array<std::string, 256> einsums_;  // by the axes longer than 1, and dense
  std::string theta_;
};

/// One row's cells.
void put_structure(TableWriter& table, const Candidate& candidate);

}  // namespace einsearch
