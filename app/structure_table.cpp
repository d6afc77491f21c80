#include "structure_table.h"

#include "structure/einsum.h"
#include "structure/notation.h"

namespace einsearch {

void put_structure(TableWriter& table, const Candidate& candidate) {
  const LayerShape& shape = candidate.shape;
  const Sizes& sizes = shape.sizes;
  const std::string theta = to_string(candidate.theta);
  const bool is_named = !candidate.name.empty() || shape.is_dense;
  table.cell(is_named ? candidate_name(candidate) : theta)
      .cell(to_string(family(candidate)))
      .cell(theta)
      .cell(sizes.n_alpha)
      .cell(sizes.n_beta)
      .cell(sizes.n_gamma)
      .cell(sizes.n_delta)
      .cell(sizes.n_epsilon)
      .cell(sizes.n_phi)
      .cell(sizes.n_rho)
      .cell(shape.d_in)
      .cell(shape.d_out)
      .cell(sizes.pad_in())
      .cell(sizes.pad_out())
      .cell(to_string(shape.order))
      .cell(shape.params)
      .cell(shape.flops)
      .cell(candidate.taxonomy.omega)
      .cell(candidate.taxonomy.psi)
      .cell(candidate.taxonomy.nu)
      .cell(shape.rank)
      .cell(candidate.quality.rounding_error)
      .cell(candidate.quality.theta_drift)
      .cell(einsum_text(shape));
}

}  // namespace einsearch
