#include "search/search_space.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include "base/error.h"
#include "base/random.h"
#include "search/enumerate.h"
#include "structure/lattice.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

/// Sizes and orders of both layers of a block: what the machine would run.
using ProgramKey = std::array<Index, 16>;

ProgramKey program_key(const LayerShape& up, const LayerShape& down) {
  ProgramKey key{};
  std::size_t next = 0;
  for (const LayerShape& shape : {up, down}) {
    const Sizes& n = shape.sizes;
    for (const Index size :
         {n.n_alpha, n.n_beta, n.n_gamma, n.n_delta, n.n_epsilon, n.n_phi, n.n_rho})
      key[next++] = size;
    key[next++] = shape.order == Order::a_first ? 0 : 1;
  }
  return key;
}

constexpr double kAsDearAsDense = 1 - 1e-9;  // of nu
constexpr double kControlShare = 0.1;

std::string filter_text(const Filter& filter) {
  constexpr std::array kSigns = {"<=", ">=", "<", ">", "="};
  return fmt::format("{}{}{:.6g}",
                     filter.column->name,
                     kSigns[static_cast<std::size_t>(filter.comparison)],
                     filter.bound);
}

class Pruning {
 public:
  Pruning(const SpaceRequest& request, Index width, const ResolveOptions& resolve)
      : request_(request), up_(width, 4 * width, resolve), down_(4 * width, width, resolve) {
    for (const char* name : {"redundant", "degenerate", "invalid", "the same program as another"})
      space_.steps.push_back({name, 0});
    for (const Filter& filter : request.filters)
      space_.steps.push_back({"by " + filter_text(filter), 0});
  }

  /// A point that pruning by theta has left.
  void offer(const Structure& structure) {
    if (is_dense_matrix(structure)) return remove(kRedundant);
    Candidate candidate;
    candidate.taxonomy = taxonomy(structure.theta);
    for (std::size_t i = 0; i < request_.filters.size(); ++i) {
      const Filter& filter = request_.filters[i];
      if (!filter.column->depends_on_sizes() && !filter.accepts(candidate))
        return remove(kFilters + i);
    }
    const auto wide = up_(structure), narrow = down_(structure);
    if (!wide || !narrow) return remove(kInvalid);
    for (std::size_t i = 0; i < request_.filters.size(); ++i) {
      const Filter& filter = request_.filters[i];
      if (filter.column->depends_on_sizes() && !filter.accepts(*wide)) return remove(kFilters + i);
    }
    if (!programs_.insert(program_key(wide->shape, narrow->shape)).second) return remove(kRepeated);
    const bool is_named = request_.kind == SpaceRequest::Kind::names;
    space_.members.push_back({is_named ? structure : with_familiar_name(structure)});
  }

  void remove(std::size_t step) { ++space_.steps[step].removed; }
  void count_point() { ++space_.points; }
  SearchSpace take() { return std::move(space_); }

  static constexpr std::size_t kRedundant = 0, kDegenerate = 1, kInvalid = 2, kRepeated = 3,
                               kFilters = 4;

 private:
  static bool is_dense_matrix(const Structure& structure) {
    return structure.is_dense || family(structure) == Family::dense;
  }

  const SpaceRequest& request_;
  WidthResolver up_, down_;
  std::set<ProgramKey> programs_;
  SearchSpace space_;
};

void offer_lattice(Pruning& pruning, int n) {
  const std::vector<SidePoint> points = side_points(n);
  for (const SidePoint& input : points) {
    for (const SidePoint& output : points) {
      for (int rho = 0; rho <= n; ++rho) {
        pruning.count_point();
        const Theta theta = theta_of({input, output, rho}, n);
        if (!is_canonical(input, output)) {
          pruning.remove(Pruning::kRedundant);
        } else if (is_dense({input, output, rho}, n)) {
          pruning.remove(Pruning::kRedundant);
        } else if (rho > largest_rho(input, output) || taxonomy(theta).nu > kAsDearAsDense) {
          pruning.remove(Pruning::kDegenerate);
        } else {
          pruning.offer(structure_of(theta));
        }
      }
    }
  }
}

void offer_divisors(Pruning& pruning, Index width, const ResolveOptions& resolve) {
  SpaceOptions options;
  options.d_in = width;
  options.d_out = 4 * width;
  options.resolve = resolve;
  visit_all(divisor_walk(options), [&](const Candidate& candidate) {
    pruning.count_point();
    if (candidate.taxonomy.nu > kAsDearAsDense && !candidate.shape.is_dense) {
      pruning.remove(Pruning::kDegenerate);
    } else {
      const bool is_theta = candidate.name.empty();
      pruning.offer(is_theta ? structure_of(candidate.theta) : parse_structure(candidate.name));
    }
    return true;
  });
}

void offer_names(Pruning& pruning, const std::vector<Structure>& structures) {
  for (const Structure& structure : structures) {
    if (structure.is_dense) continue;  // it is there anyway
    pruning.count_point();
    pruning.offer(structure);
  }
}

/// Removes what the prior dislikes but for a random tenth, at least one.
void apply_prior(SearchSpace& space, const SpaceRequest& request) {
  if (request.prior.empty()) return;
  const auto is_liked = [&](const SpaceMember& member) {
    Candidate candidate;
    candidate.taxonomy = taxonomy(member.structure.theta);
    return std::all_of(request.prior.begin(), request.prior.end(), [&](const Filter& filter) {
      return filter.accepts(candidate);
    });
  };
  const RandomStream stream(request.seed, StreamId::search_control);
  std::vector<std::pair<std::uint64_t, std::size_t>> disliked;
  for (std::size_t i = 0; i < space.members.size(); ++i) {
    if (!is_liked(space.members[i])) disliked.emplace_back(stream.bits(i), i);
  }
  std::sort(disliked.begin(), disliked.end());
  const auto kept =
      static_cast<std::size_t>(std::ceil(kControlShare * static_cast<double>(disliked.size())));
  std::set<std::size_t> removed;
  for (std::size_t i = 0; i < disliked.size(); ++i) {
    i < kept ? void(space.members[disliked[i].second].is_control = true)
             : void(removed.insert(disliked[i].second));
  }
  std::vector<SpaceMember> members;
  for (std::size_t i = 0; i < space.members.size(); ++i) {
    if (!removed.contains(i)) members.push_back(space.members[i]);
  }
  space.members = std::move(members);
  space.steps.push_back({"by the prior", static_cast<Count>(removed.size())});
}

std::array<double, 3> place_of(const SpaceMember& member) {
  const Taxonomy place = taxonomy(member.structure.theta);
  return {place.omega, place.psi, place.nu};
}

template <std::size_t N>
double squared_distance(const std::array<double, N>& a, const std::array<double, N>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < N; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/// Of `points` the one that is farthest from those chosen; the first of equals. Updates `nearest`,
/// the squared distance of each from the chosen; chosen ones have -1.
template <std::size_t N>
std::size_t choose_farthest(const std::vector<std::array<double, N>>& points,
                            std::vector<double>& nearest) {
  const auto best =
      static_cast<std::size_t>(std::max_element(nearest.begin(), nearest.end()) - nearest.begin());
  for (std::size_t i = 0; i < points.size(); ++i)
    nearest[i] = std::min(nearest[i], squared_distance(points[i], points[best]));
  nearest[best] = -1;
  return best;
}

}  // namespace

SearchSpace make_search_space(const SpaceRequest& request,
                              Index width,
                              const ResolveOptions& resolve) {
  Pruning pruning(request, width, resolve);
  switch (request.kind) {
    case SpaceRequest::Kind::grid:
      offer_lattice(pruning, request.n);
      break;
    case SpaceRequest::Kind::divisors:
      offer_divisors(pruning, width, resolve);
      break;
    case SpaceRequest::Kind::names:
      offer_names(pruning, request.structures);
      break;
  }
  SearchSpace space = pruning.take();
  apply_prior(space, request);
  if (request.design > 0 && request.design < static_cast<Count>(space.members.size())) {
    const auto before = static_cast<Count>(space.members.size());
    space.members = taxonomy_design(space.members, request.design);
    space.steps.push_back({"by the design", before - static_cast<Count>(space.members.size())});
  }
  if (space.members.empty()) {
    throw Error(
        "nothing is left of the space",
        {.where = "--space", .expected = "a structure beside dense", .got = describe_steps(space)});
  }
  return space;
}

std::string describe_steps(const SearchSpace& space) {
  std::vector<std::string> parts;
  for (const SpaceStep& step : space.steps) {
    if (step.removed > 0) parts.push_back(fmt::format("{} {}", step.removed, step.name));
  }
  const std::string points = fmt::format("{} point{}", space.points, space.points == 1 ? "" : "s");
  return parts.empty() ? points : fmt::format("{}: {}", points, fmt::join(parts, ", "));
}

std::vector<SpaceMember> taxonomy_design(const std::vector<SpaceMember>& members, Count count) {
  using Cell = std::array<double, 3>;
  std::map<Cell, std::vector<std::size_t>> by_cell;
  for (std::size_t i = 0; i < members.size(); ++i) by_cell[place_of(members[i])].push_back(i);
  std::vector<Cell> cells;
  std::vector<const std::vector<std::size_t>*> inhabitants;
  for (const auto& [cell, list] : by_cell) {
    cells.push_back(cell);
    inhabitants.push_back(&list);
  }
  const auto wanted = static_cast<std::size_t>(count);
  const std::size_t of_cells = std::min(cells.size(), (3 * wanted + 3) / 4);
  std::vector<double> nearest(cells.size(), kInfinity);
  std::set<std::size_t> chosen;
  std::vector<std::size_t> order;  // cells as they are taken
  for (std::size_t i = 0; i < of_cells; ++i) {
    order.push_back(choose_farthest(cells, nearest));
    chosen.insert(inhabitants[order.back()]->front());
  }
  // Further theta at points taken already, each as far from those before it as the point allows.
  for (bool has_added = true; has_added && chosen.size() < wanted;) {
    has_added = false;
    for (const std::size_t cell : order) {
      if (chosen.size() == wanted) break;
      double farthest = 0;
      std::size_t best = members.size();
      for (const std::size_t i : *inhabitants[cell]) {
        double distance = kInfinity;
        for (const std::size_t other : *inhabitants[cell]) {
          if (!chosen.contains(other)) continue;
          distance = std::min(distance,
                              squared_distance(members[i].structure.theta.exponents(),
                                               members[other].structure.theta.exponents()));
        }
        if (!chosen.contains(i) && distance > farthest) {
          farthest = distance;
          best = i;
        }
      }
      if (best == members.size()) continue;
      chosen.insert(best);
      has_added = true;
    }
  }
  while (chosen.size() < wanted && chosen.size() < members.size()) {
    // All theta of the cells are taken: more cells.
    chosen.insert(inhabitants[choose_farthest(cells, nearest)]->front());
  }
  std::vector<SpaceMember> design;
  for (const std::size_t i : chosen) design.push_back(members[i]);
  return design;
}

}  // namespace einsearch
