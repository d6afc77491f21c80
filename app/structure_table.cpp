#include "structure_table.h"

#include "structure/einsum.h"
#include "structure/notation.h"

namespace einsearch {

const std::string& StructureRows::exponent(double x) {
  constexpr std::size_t kMost = 4096;  // samples have ever new ones
  if (exponents_.size() > kMost) exponents_.clear();
  std::string& text = exponents_[x];
  if (text.empty()) text = exponent_text(x);
  return text;
}

void StructureRows::write_theta(const Theta& theta) {
  theta_.assign(1, '(');
  for (const double x : theta.exponents()) {
    theta_ += exponent(x);
    theta_ += '|';
  }
  theta_.back() = ')';
}

const std::string& StructureRows::einsum(const LayerShape& shape) {
  const Sizes& s = shape.sizes;
  std::size_t key = shape.is_dense ? 1 : 0;
  for (const Index n : {s.n_alpha, s.n_beta, s.n_gamma, s.n_delta, s.n_epsilon, s.n_phi, s.n_rho}) {
    key = 2 * key + (n > 1 ? 1 : 0);
  }
  std::string& text = einsums_[key];
  if (text.empty()) text = einsum_text(shape);
  return text;
}

void StructureRows::put(TableWriter& table, const Candidate& candidate) {
  const LayerShape& shape = candidate.shape;
  const Sizes& sizes = shape.sizes;
  write_theta(candidate.theta);
  const bool is_named = !candidate.name.empty() || shape.is_dense;
  table.cell(is_named ? candidate_name(candidate) : theta_)
      .cell(to_string(family(candidate)))
      .cell(theta_)
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
      .cell(einsum(shape));
}

void put_structure(TableWriter& table, const Candidate& candidate) {
  StructureRows().put(table, candidate);
}

}  // namespace einsearch
