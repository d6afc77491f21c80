#include "search/grid_space.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace einsearch {
namespace {

/// Quality of three sizes against three exponents of a width.
RoundingQuality side_quality(const std::array<double, 3>& exponents, const Triple& sizes, Index d) {
  const Theta theta{exponents[0], exponents[1], exponents[2], 0, 0, 0, 0};
  return rounding_quality(theta, {sizes[0], sizes[1], sizes[2], 1, 1, 1, 1}, {d, 1});
}

std::array<double, 3> exponents_of(const SidePoint& point, int n) {
  return theta_of({point, {0, 0, n}, 0}, n).input();
}

/// Where a triple stands in a list that holds it.
std::size_t position(const std::vector<Triple>& triples, const Triple& wanted) {
  if (triples.size() == 1) return 0;
  return static_cast<std::size_t>(std::find(triples.begin(), triples.end(), wanted) -
                                  triples.begin());
}

}  // namespace

RoundingQuality worst(const RoundingQuality& a, const RoundingQuality& b) {
  return {std::max(a.rounding_error, b.rounding_error), std::max(a.theta_drift, b.theta_drift)};
}

GridSpace::GridSpace(int n, Index d_in, Index d_out, const ResolveOptions& options)
    : n_(n), widths_{d_in, d_out}, options_(options), points_(side_points(n)) {
  validate(widths_);
  for (int k = 0; k <= n; ++k) values_.push_back(static_cast<double>(k) / n);
  input_ = make_sides(d_in, options.rounding);
  output_ = d_in == d_out ? input_ : make_sides(d_out, options.rounding);
  inner_ = make_inner();
  dense_ = dense_shape(widths_, options.order);
}

std::vector<GridSpace::Side> GridSpace::make_sides(Index d, Rounding rounding) const {
  const DivisorTriples divisor_triples(rounding == Rounding::exact ? d : 1);
  std::vector<Side> sides;
  sides.reserve(points_.size());
  for (const SidePoint& point : points_) {
    const std::array<double, 3> exponents = exponents_of(point, n_);
    Side& side = sides.emplace_back();
    const Theta theta{exponents[0], exponents[1], exponents[2], 0, 0, 0, 0};
    const Widths widths{d, 1};
    bool is_padding_fine = true;
    const UnroundedSizes powers = unrounded_sizes(theta, widths);
    side.powers = {powers.alpha, powers.beta, powers.gamma};
    if (rounding == Rounding::exact) {
      side.triples = divisor_triples.nearest(exponents);
    } else {
      const Sizes sizes = paper_sizes(theta, widths);
      side.triples = {{sizes.n_alpha, sizes.n_beta, sizes.n_gamma}};
      is_padding_fine = is_padding_accepted(sizes, widths);
    }
    for (const Triple& triple : side.triples) {
      side.quality.push_back(side_quality(exponents, triple, d));
    }
    const auto valid = std::count_if(side.quality.begin(),
                                     side.quality.end(),
                                     [](const RoundingQuality& q) { return q.is_valid(); });
    if (valid == 0 || !is_padding_fine) {
      side.validity = Validity::none;
    } else if (valid < static_cast<std::ptrdiff_t>(side.quality.size())) {
      side.validity = Validity::depends;
    }
  }
  return sides;
}

std::vector<GridSpace::Inner> GridSpace::make_inner() const {
  std::vector<Inner> inner;
  const Index d = std::min(widths_.d_in, widths_.d_out);
  for (int r = 0; r <= n_; ++r) {
    const Theta theta = theta_of({{0, 0, 0}, {0, 0, 0}, r}, n_);
    const Index n_rho = inner_size(theta.rho, {d, d});
    inner.push_back({n_rho,
                     rounding_quality(theta, {1, 1, 1, 1, 1, 1, n_rho}, {d, d}),
                     unrounded_sizes(theta, {d, d}).rho});
  }
  return inner;
}

void GridSpace::place(std::size_t input, std::size_t output, int rho, Candidate& candidate) const {
  const LatticePoint point{points_[input], points_[output], rho};
  const auto value = [this](int numerator) { return values_[static_cast<std::size_t>(numerator)]; };
  candidate.theta = {value(point.input[0]),
                     value(point.input[1]),
                     value(point.input[2]),
                     value(point.output[0]),
                     value(point.output[1]),
                     value(point.output[2]),
                     value(rho)};
  candidate.taxonomy = taxonomy_of(point, n_);
  candidate.shape.is_dense = is_dense(point, n_);
  if (candidate.shape.is_dense) candidate.theta = canonical(candidate.theta);
}

UnroundedSizes unrounded_sizes(const GridSpace::Side& input,
                               const GridSpace::Side& output,
                               const GridSpace::Inner& inner) {
  return {input.powers[0],
          input.powers[1],
          input.powers[2],
          output.powers[0],
          output.powers[1],
          output.powers[2],
          inner.power};
}

bool GridSpace::size(std::size_t input, std::size_t output, int rho, Candidate& candidate) const {
  if (candidate.shape.is_dense) {
    candidate.shape = dense_;
    candidate.quality = {};
    return true;
  }
  const Side& in = input_[input];
  const Side& out = output_[output];
  if (in.validity == Validity::none || out.validity == Validity::none) return false;
  const Inner& inner = inner_[static_cast<std::size_t>(rho)];
  const Sizes sizes =
      break_ties(in.triples, out.triples, inner.n_rho, unrounded_sizes(in, out, inner));
  const Triple chosen_in{sizes.n_alpha, sizes.n_beta, sizes.n_gamma};
  const Triple chosen_out{sizes.n_delta, sizes.n_epsilon, sizes.n_phi};
  const RoundingQuality quality = worst(in.quality[position(in.triples, chosen_in)],
                                        out.quality[position(out.triples, chosen_out)]);
  candidate.quality = worst(inner.quality, quality);
  if (!candidate.quality.is_valid()) return false;
  candidate.shape = einsum_shape(sizes, unrounded_sizes(in, out, inner), widths_, options_.order);
  return true;
}

std::vector<GridSpace::Group<Triple>> GridSpace::groups_of(const std::vector<Side>& sides) {
  std::map<Triple, std::vector<std::size_t>> by_sizes;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    for (const Triple& triple : sides[i].triples) by_sizes[triple].push_back(i);
  }
  std::vector<Group<Triple>> groups;
  for (auto& [sizes, members] : by_sizes) groups.push_back({sizes, std::move(members)});
  return groups;
}

std::vector<GridSpace::Group<Index>> GridSpace::rho_groups() const {
  std::vector<Group<Index>> groups;
  for (std::size_t r = 0; r < inner_.size(); ++r) {  // n_rho never falls as rho grows
    if (groups.empty() || groups.back().sizes != inner_[r].n_rho) {
      groups.push_back({inner_[r].n_rho, {}});
    }
    groups.back().members.push_back(r);
  }
  return groups;
}

}  // namespace einsearch
