#include "search/enumerate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "search/grid_pair.h"
#include "search/grid_space.h"
#include "search/stretches.h"
#include "structure/lattice.h"

namespace einsearch {
namespace {

/// The largest numerator of rho to look at, or -1 when the pair of sides is left out.
int rho_limit(const SidePoint& input, const SidePoint& output, int n, const SpaceOptions& options) {
  if (options.keep_redundant) return n;
  if (!is_canonical(input, output)) return -1;
  return options.keep_degenerate ? n : largest_rho(input, output);
}

int rho_limit(const GridSpace& space,
              std::size_t input,
              std::size_t output,
              const SpaceOptions& options) {
  return rho_limit(space.side_point(input), space.side_point(output), space.grid(), options);
}

/// Every candidate with one point as its input side and one of a stretch as its output side.
Tally walk_sides(const GridSpace& space,
                 std::size_t input,
                 const Stretches::Stretch& outputs,
                 const SpaceOptions& options,
                 const CandidateVisitor& visit) {
  GridPair pair(space);
  Candidate candidate;
  Tally tally;
  for (std::size_t output = outputs.begin; output < outputs.end; ++output) {
    const int limit = rho_limit(space, input, output, options);
    pair.bind(input, output, limit);
    for (int rho = 0; rho <= limit; ++rho) {
      pair.place(rho, candidate);
      if (!options.filters.accepts_theta(candidate)) continue;
      if (!pair.size(rho, candidate)) {
        ++tally.invalid;
        continue;
      }
      if (!options.filters.accepts_sizes(candidate)) continue;
      ++tally.kept;
      if (!visit(candidate)) return tally;
    }
  }
  return tally;
}

Tally count_input(const GridSpace& space, std::size_t input, const SpaceOptions& options) {
  GridPair pair(space);
  Tally tally;
  for (std::size_t output = 0; output < space.side_count(); ++output) {
    const int limit = rho_limit(space, input, output, options);
    if (limit < 0) continue;
    pair.bind(input, output, limit);
    tally += pair.count(options.filters);
  }
  return tally;
}

/// The sum of part(i) over i < parts.
template <typename Part>
Tally sum_of_parts(std::size_t parts, const Threads& threads, const Part& part) {
  std::atomic<Count> kept = 0, invalid = 0;
  threads.for_each(static_cast<Index>(parts), [&](Index i) {
    const Tally tally = part(static_cast<std::size_t>(i));
    kept += tally.kept;
    invalid += tally.invalid;
  });
  return {kept, invalid};
}

/// The distinct sizes of a lattice, and for each the first theta that leads to them. A part is a
/// triple of sizes on the input side.
class UniqueSizes {
 public:
  UniqueSizes(int n, Index d_in, Index d_out, const ResolveOptions& resolve)
      : space_(n, d_in, d_out, resolve),
        inputs_(space_.input_groups()),
        outputs_(space_.output_groups()),
        rhos_(space_.rho_groups()) {}

  std::size_t parts() const { return inputs_.size(); }

  Tally walk(std::size_t part, const SpaceOptions& options, const CandidateVisitor& visit) const {
    Tally tally;
    for (const auto& output : outputs_) {
      for (const auto& rho : rhos_) {
        const std::optional<Candidate> candidate = first(inputs_[part], output, rho, options);
        if (!candidate) continue;
        ++tally.kept;
        if (!visit(*candidate)) return tally;
      }
    }
    return tally;
  }

 private:
  std::optional<Candidate> first(const GridSpace::Group<Triple>& inputs,
                                 const GridSpace::Group<Triple>& outputs,
                                 const GridSpace::Group<Index>& rhos,
                                 const SpaceOptions& options) const {
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
        const int limit = rho_limit(space_, input, output, options);
        for (const std::size_t member : rhos.members) {
          const int rho = static_cast<int>(member);
          if (rho > limit) break;
          space_.place(input, output, rho, candidate);
          if (candidate.shape.is_dense || !options.filters.accepts_theta(candidate)) continue;
          if (space_.size(input, output, rho, candidate) && candidate.shape.sizes == wanted &&
              options.filters.accepts_sizes(candidate))
            return candidate;
        }
      }
    }
    return std::nullopt;
  }

  GridSpace space_;
  std::vector<GridSpace::Group<Triple>> inputs_;
  std::vector<GridSpace::Group<Triple>> outputs_;
  std::vector<GridSpace::Group<Index>> rhos_;
};

Tally walk_dense(const SpaceOptions& options, const CandidateVisitor& visit) {
  const WidthResolver resolver(options.d_in, options.d_out, options.resolve);
  const Candidate dense = resolver.at_any_quality({"", {0, 1, 0, 0, 1, 0, 0}, std::nullopt, true});
  if (!options.filters.accepts(dense)) return {};
  visit(dense);
  return {.kept = 1, .invalid = 0};
}

}  // namespace

void validate_grid(Count n) {
  if (n >= 1 && n <= kFinestGrid) return;
  throw Error("bad grid",
              {.where = "--grid",
               .expected = fmt::format("1/n with n from 1 to {}", kFinestGrid),
               .got = fmt::format("1/{}", n)});
}

Tally& Tally::operator+=(const Tally& other) {
  kept += other.kept;
  invalid += other.invalid;
  return *this;
}

Walk grid_walk(int n, const SpaceOptions& options) {
  constexpr std::size_t kPointsPerPart = 4096;
  const auto space =
      std::make_shared<const GridSpace>(n, options.d_in, options.d_out, options.resolve);
  const std::size_t sides = space->side_count();
  const std::size_t length =
      std::max<std::size_t>(1, kPointsPerPart / static_cast<std::size_t>(n + 1));
  const Stretches outputs{sides, length};
  return {sides * outputs.count(), [=](std::size_t part, const CandidateVisitor& visit) {
            const Stretches::Stretch stretch = outputs[part % outputs.count()];
            return walk_sides(*space, part / outputs.count(), stretch, options, visit);
          }};
}

Walk unique_walk(int n, const SpaceOptions& options) {
  const auto sizes =
      std::make_shared<const UniqueSizes>(n, options.d_in, options.d_out, options.resolve);
  return {1 + sizes->parts(), [=](std::size_t part, const CandidateVisitor& visit) {
            return part == 0 ? walk_dense(options, visit) : sizes->walk(part - 1, options, visit);
          }};
}

Tally visit_all(const Walk& walk, const CandidateVisitor& visit) {
  bool is_stopped = false;
  const CandidateVisitor see = [&](const Candidate& candidate) {
    is_stopped = !visit(candidate);
    return !is_stopped;
  };
  Tally tally;
  for (std::size_t part = 0; part < walk.parts && !is_stopped; ++part) {
    tally += walk.visit_part(part, see);
  }
  return tally;
}

Tally count_all(const Walk& walk, const Threads& threads) {
  return sum_of_parts(walk.parts, threads, [&](std::size_t part) {
    return walk.visit_part(part, [](const Candidate&) { return true; });
  });
}

Tally count_grid(int n, const SpaceOptions& options, const Threads& threads) {
  const GridSpace space(n, options.d_in, options.d_out, options.resolve);
  return sum_of_parts(space.side_count(), threads, [&](std::size_t input) {
    return count_input(space, input, options);
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
