#include "structure/candidate.h"

#include <array>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr std::array kColumns = {
    NumericColumn{"n_alpha",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.n_alpha); }},
    NumericColumn{"n_beta",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.n_beta); }},
    NumericColumn{"n_gamma",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.n_gamma); }},
    NumericColumn{"n_delta",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.n_delta); }},
    NumericColumn{"n_epsilon",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.n_epsilon); }},
    NumericColumn{"n_phi",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.n_phi); }},
    NumericColumn{"n_rho",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.n_rho); },
                  Follows::inner_size},
    NumericColumn{"d_in", [](const Candidate& c) { return static_cast<double>(c.shape.d_in); }},
    NumericColumn{"d_out", [](const Candidate& c) { return static_cast<double>(c.shape.d_out); }},
    NumericColumn{"pad_in",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.pad_in()); }},
    NumericColumn{"pad_out",
                  [](const Candidate& c) { return static_cast<double>(c.shape.sizes.pad_out()); }},
    NumericColumn{"params",
                  [](const Candidate& c) { return static_cast<double>(c.shape.params); },
                  Follows::inner_size},
    NumericColumn{"flops",
                  [](const Candidate& c) { return static_cast<double>(c.shape.flops); },
                  Follows::inner_size},
    NumericColumn{"omega", [](const Candidate& c) { return c.taxonomy.omega; }, Follows::theta},
    NumericColumn{"psi", [](const Candidate& c) { return c.taxonomy.psi; }, Follows::theta, true},
    NumericColumn{"nu", [](const Candidate& c) { return c.taxonomy.nu; }, Follows::theta},
    NumericColumn{"rank",
                  [](const Candidate& c) { return static_cast<double>(c.shape.rank); },
                  Follows::rank,
                  true},
    NumericColumn{"rounding_error",
                  [](const Candidate& c) { return c.quality.rounding_error; },
                  Follows::rounding},
    NumericColumn{
        "theta_drift", [](const Candidate& c) { return c.quality.theta_drift; }, Follows::rounding},
};

}  // namespace

std::string candidate_name(const Candidate& candidate) {
  if (!candidate.name.empty()) return candidate.name;
  return candidate.shape.is_dense ? "dense" : to_string(candidate.theta);
}

WidthResolver::WidthResolver(Index d_in, Index d_out, const ResolveOptions& options)
    : widths_{(validate(Widths{d_in, d_out}), d_in), d_out},
      options_(options),
      input_(shared_divisor_triples(d_in)),
      output_(shared_divisor_triples(d_out)) {}

Candidate WidthResolver::at_any_quality(const Structure& structure) const {
  Candidate candidate{.name = structure.name,
                      .theta = structure.theta,
                      .fixed_n_rho = structure.n_rho,
                      .shape = {},
                      .taxonomy = taxonomy(structure.theta),
                      .quality = {}};
  const Widths widths = widths_of(structure, widths_.d_in, widths_.d_out);
  if (structure.is_dense) {
    candidate.shape = dense_shape(widths, options_.order);
    return candidate;
  }
  const UnroundedSizes unrounded = unrounded_sizes(structure.theta, widths);
  const Sizes sizes = options_.rounding == Rounding::paper
                          ? paper_sizes(structure.theta, widths)
                          : break_ties(input_->nearest(structure.theta.input()),
                                       output_->nearest(structure.theta.output()),
                                       inner_size(structure.theta.rho, widths),
                                       unrounded);
  candidate.shape = einsum_shape(sizes, unrounded, widths, options_.order);
  candidate.quality = rounding_quality(structure.theta, sizes, widths);
  return candidate;
}

std::optional<Candidate> WidthResolver::operator()(const Structure& structure) const {
  Candidate candidate = at_any_quality(structure);
  const bool is_valid =
      candidate.quality.is_valid() && is_padding_accepted(candidate.shape.sizes, widths_);
  if (!is_valid) return std::nullopt;
  return candidate;
}

std::span<const NumericColumn> numeric_columns() { return kColumns; }

const NumericColumn& find_numeric_column(std::string_view name) {
  for (const NumericColumn& column : kColumns) {
    if (column.name == name) return column;
  }
  std::vector<std::string> names;
  for (const NumericColumn& column : kColumns) names.emplace_back(column.name);
  std::string hint = did_you_mean(name, names);
  if (hint.empty()) hint = "einsearch columns lists the columns of a structure";
  throw Error("unknown numeric column", {.got = std::string(name), .hint = hint});
}

}  // namespace einsearch
