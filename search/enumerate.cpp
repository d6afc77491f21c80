#include "search/enumerate.h"

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "search/grid_space.h"
#include "structure/lattice.h"

namespace einsearch {
namespace {

/// The largest numerator of rho to look at, or -1 when the pair of sides is left out.
int rho_limit(const SidePoint& input, const SidePoint& output, int n, const SpaceOptions& options) {
  if (options.keep_redundant) return n;
  if (!is_canonical(input, output)) return -1;
  return options.keep_degenerate ? n : largest_rho(input, output);
}

/// Every candidate with the given point as its input side; `see` returns false to stop.
template <typename See>
bool walk_input(
    const GridSpace& space, std::size_t input, const SpaceOptions& options, Tally& tally, See see) {
  Candidate candidate;
  for (std::size_t output = 0; output < space.side_count(); ++output) {
    const int limit =
        rho_limit(space.side_point(input), space.side_point(output), space.grid(), options);
    for (int rho = 0; rho <= limit; ++rho) {
      space.place(input, output, rho, candidate);
      if (!options.filters.accepts_theta(candidate)) continue;
      if (!space.size(input, output, rho, candidate)) {
        ++tally.invalid;
        continue;
      }
      if (!options.filters.accepts_sizes(candidate)) continue;
      ++tally.kept;
      if (!see(candidate)) return false;
    }
  }
  return true;
}

/// Numerators of rho in [begin, end).
struct RhoRange {
  int begin;
  int end;
};

/// Where the filters on sizes hold, given that no column of theirs ever falls as rho grows: found
/// by bisection.
RhoRange admitted_by_sizes(const GridSpace& space,
                           std::size_t input,
                           std::size_t output,
                           int limit,
                           const FilterSet& filters,
                           Candidate& candidate) {
  RhoRange range{0, limit + 1};
  /// The first rho of the range where `filter` says other than `expected`.
  const auto first_change = [&](const Filter& filter, bool expected) {
    RhoRange left = range;
    while (left.begin < left.end) {
      const int middle = (left.begin + left.end) / 2;
      space.shape(input, output, middle, candidate);
      if (filter.accepts(candidate) == expected) {
        left.begin = middle + 1;
      } else {
        left.end = middle;
      }
    }
    return left.begin;
  };
  for (Filter filter : filters.of_sizes()) {
    const Comparison comparison = filter.comparison;
    if (comparison == Comparison::equal) filter.comparison = Comparison::at_least;
    if (comparison != Comparison::at_most && comparison != Comparison::below)
      range.begin = first_change(filter, false);
    if (comparison == Comparison::equal) filter.comparison = Comparison::at_most;
    if (comparison != Comparison::at_least && comparison != Comparison::above)
      range.end = first_change(filter, true);
  }
  return range;
}

/// walk_input() for one pair of sides where nobody looks at the candidates.
void count_pair(const GridSpace& space,
                std::size_t input,
                std::size_t output,
                int limit,
                const SpaceOptions& options,
                Tally& tally) {
  const FilterSet& filters = options.filters;
  Candidate candidate;
  RhoRange range{0, limit + 1};
  bool needs_sizes = !filters.of_sizes().empty();
  const bool is_monotone =
      std::all_of(filters.of_sizes().begin(), filters.of_sizes().end(), [](const Filter& f) {
        return f.column->never_falls_with_rho;
      });
  if (needs_sizes && is_monotone && space.are_sizes_fixed(input, output)) {
    range = admitted_by_sizes(space, input, output, limit, filters, candidate);
    needs_sizes = false;
  }
  for (int rho = 0; rho <= limit; ++rho) {
    if (filters.has_theta_filters()) {
      space.place(input, output, rho, candidate);
      if (!filters.accepts_theta(candidate)) continue;
    }
    if (needs_sizes) {
      space.place(input, output, rho, candidate);
      if (!space.size(input, output, rho, candidate)) {
        ++tally.invalid;
      } else if (filters.accepts_sizes(candidate)) {
        ++tally.kept;
      }
    } else if (!space.is_valid(input, output, rho)) {
      ++tally.invalid;
    } else if (rho >= range.begin && rho < range.end) {
      ++tally.kept;
    }
  }
}

void count_input(const GridSpace& space,
                 std::size_t input,
                 const SpaceOptions& options,
                 Tally& tally) {
  for (std::size_t output = 0; output < space.side_count(); ++output) {
    const int limit =
        rho_limit(space.side_point(input), space.side_point(output), space.grid(), options);
    if (limit >= 0) count_pair(space, input, output, limit, options, tally);
  }
}

/// Looks for the first theta that leads to given sizes.
class FirstOfSizes {
 public:
  FirstOfSizes(const GridSpace& space, const SpaceOptions& options)
      : space_(space), options_(options) {}

  std::optional<Candidate> find(const GridSpace::Group<Triple>& inputs,
                                const GridSpace::Group<Triple>& outputs,
                                const GridSpace::Group<Index>& rhos) const {
    const Sizes wanted{inputs.sizes[0],
                       inputs.sizes[1],
                       inputs.sizes[2],
                       outputs.sizes[0],
                       outputs.sizes[1],
                       outputs.sizes[2],
                       rhos.sizes};
    Candidate candidate;
    for (const std::size_t input : inputs.members) {
      for (const std::size_t output : outputs.members) {
        const int limit =
            rho_limit(space_.side_point(input), space_.side_point(output), space_.grid(), options_);
        for (const std::size_t member : rhos.members) {
          const int rho = static_cast<int>(member);
          if (rho > limit) break;
          if (is_kept(input, output, rho, wanted, candidate)) return candidate;
        }
      }
    }
    return std::nullopt;
  }

 private:
  bool is_kept(std::size_t input,
               std::size_t output,
               int rho,
               const Sizes& wanted,
               Candidate& candidate) const {
    space_.place(input, output, rho, candidate);
    if (candidate.shape.is_dense || !options_.filters.accepts_theta(candidate)) return false;
    return space_.size(input, output, rho, candidate) && candidate.shape.sizes == wanted &&
           options_.filters.accepts_sizes(candidate);
  }

  const GridSpace& space_;
  const SpaceOptions& options_;
};

std::optional<Candidate> dense_candidate(const SpaceOptions& options) {
  const WidthResolver resolver(options.d_in, options.d_out, options.resolve);
  Candidate dense = resolver.at_any_quality({"", {0, 1, 0, 0, 1, 0, 0}, std::nullopt, true});
  if (!options.filters.accepts(dense)) return std::nullopt;
  return dense;
}

}  // namespace

void validate_grid(Count n) {
  if (n >= 1 && n <= kFinestGrid) return;
  throw Error("bad grid",
              {.where = "--grid",
               .expected = fmt::format("1/n with n from 1 to {}", kFinestGrid),
               .got = fmt::format("1/{}", n)});
}

Tally enumerate_grid(int n, const SpaceOptions& options, const CandidateVisitor& visit) {
  const GridSpace space(n, options.d_in, options.d_out, options.resolve);
  Tally tally;
  for (std::size_t input = 0; input < space.side_count(); ++input) {
    if (!walk_input(space, input, options, tally, visit)) break;
  }
  return tally;
}

Tally enumerate_unique(int n, const SpaceOptions& options, const CandidateVisitor& visit) {
  const GridSpace space(n, options.d_in, options.d_out, options.resolve);
  const auto inputs = space.input_groups();
  const auto outputs = space.output_groups();
  const auto rhos = space.rho_groups();
  const FirstOfSizes first(space, options);
  Tally tally;
  if (const std::optional<Candidate> dense = dense_candidate(options)) {
    ++tally.kept;
    if (!visit(*dense)) return tally;
  }
  for (const auto& input : inputs) {
    for (const auto& output : outputs) {
      for (const auto& rho : rhos) {
        const std::optional<Candidate> candidate = first.find(input, output, rho);
        if (!candidate) continue;
        ++tally.kept;
        if (!visit(*candidate)) return tally;
      }
    }
  }
  return tally;
}

Tally count_grid(int n, const SpaceOptions& options) {
  const GridSpace space(n, options.d_in, options.d_out, options.resolve);
  using Inputs = tbb::blocked_range<std::size_t>;
  return tbb::parallel_reduce(
      Inputs(0, space.side_count()),
      Tally{},
      [&](const Inputs& inputs, Tally tally) {
        for (std::size_t input = inputs.begin(); input != inputs.end(); ++input) {
          count_input(space, input, options, tally);
        }
        return tally;
      },
      [](const Tally& a, const Tally& b) {
        return Tally{a.kept + b.kept, a.invalid + b.invalid};
      });
}

Count count_theta(int n, const SpaceOptions& options) {
  const std::vector<SidePoint> points = side_points(n);
  Candidate candidate;
  Count count = 0;
  for (const SidePoint& input : points) {
    for (const SidePoint& output : points) {
      const int limit = rho_limit(input, output, n, options);
      if (options.filters.is_empty()) {
        count += limit + 1;
        continue;
      }
      for (int rho = 0; rho <= limit; ++rho) {
        candidate.taxonomy = taxonomy_of({input, output, rho}, n);
        if (options.filters.accepts_theta(candidate)) ++count;
      }
    }
  }
  return count;
}

void walk_theta(int n, const SpaceOptions& options, const std::function<bool(const Theta&)>& see) {
  const std::vector<SidePoint> points = side_points(n);
  Candidate candidate;
  for (const SidePoint& input : points) {
    for (const SidePoint& output : points) {
      const int limit = rho_limit(input, output, n, options);
      for (int rho = 0; rho <= limit; ++rho) {
        candidate.taxonomy = taxonomy_of({input, output, rho}, n);
        if (!options.filters.accepts_theta(candidate)) continue;
        if (!see(theta_of({input, output, rho}, n))) return;
      }
    }
  }
}

Tally enumerate_structures(std::span<const Structure> structures,
                           const SpaceOptions& options,
                           const CandidateVisitor& visit) {
  const WidthResolver resolver(options.d_in, options.d_out, options.resolve);
  Tally tally;
  for (const Structure& structure : structures) {
    const std::optional<Candidate> candidate = resolver(structure);
    if (!candidate) ++tally.invalid;
    if (!candidate || !options.filters.accepts(*candidate)) continue;
    ++tally.kept;
    if (!visit(*candidate)) break;
  }
  return tally;
}

}  // namespace einsearch
