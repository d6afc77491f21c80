#include "search/proposals.h"

#include <algorithm>

#include "base/random.h"
#include "fit/surrogate.h"
#include "structure/lattice.h"
#include "structure/notation.h"
#include "structure/taxonomy.h"

namespace einsearch {
namespace {

constexpr int kGrid = 60;  // fine enough to be the continuous space, with exponents one can read
constexpr std::size_t kDraws = 2000;

/// Structures drawn evenly from the lattice, cheaper than dense.
std::vector<Structure> draw_structures(std::uint64_t seed, int round) {
  const std::vector<SidePoint> sides = side_points(kGrid);
  const RandomStream random(seed, StreamId::surrogate, static_cast<std::uint32_t>(round));
  std::vector<Structure> drawn;
  for (std::uint64_t index = 0; drawn.size() < kDraws; index += 3) {
    const SidePoint& input = sides[random.below(sides.size(), index)];
    const SidePoint& output = sides[random.below(sides.size(), index + 1)];
    const auto most = static_cast<std::uint64_t>(largest_rho(input, output));
    const int rho = static_cast<int>(random.below(most + 1, index + 2));
    const Theta theta = canonical(theta_of({input, output, rho}, kGrid));
    if (taxonomy(theta).nu >= 1 - 1e-9 || family(theta) == Family::dense) continue;
    drawn.push_back(with_familiar_name(structure_of(theta)));
  }
  return drawn;
}

std::size_t nearest_of(const Surrogate& surrogate,
                       const Theta& theta,
                       const std::vector<KnownStructure>& known) {
  std::size_t nearest = 0;
  double largest = -1;
  for (std::size_t i = 0; i < known.size(); ++i) {
    const double nearness = surrogate.nearness(theta, known[i].structure.theta);
    if (nearness > largest) {
      largest = nearness;
      nearest = i;
    }
  }
  return nearest;
}

}  // namespace

Proposals propose(const std::vector<KnownStructure>& known,
                  std::size_t most,
                  std::uint64_t seed,
                  int round) {
  std::vector<SurrogatePoint> points;
  for (const KnownStructure& one : known)
    points.push_back({one.structure.theta, one.log_multiplier, one.deviation});
  Surrogate surrogate(points);
  Proposals proposals{.list = {},
                      .leave_one_out_error = surrogate.leave_one_out_error(),
                      .spread = surrogate.spread()};
  // The best as the process sees it: a lucky measurement is no mark to beat.
  double best = surrogate.at(points.front().theta).mean;
  for (const SurrogatePoint& point : points) best = std::max(best, surrogate.at(point.theta).mean);
  std::vector<Structure> pool = draw_structures(seed, round);
  while (proposals.list.size() < most && !pool.empty()) {
    std::size_t chosen = 0;
    double largest = -1;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      const double gain = expected_improvement(surrogate.at(pool[i].theta), best);
      if (gain > largest) {
        largest = gain;
        chosen = i;
      }
    }
    const Structure structure = pool[chosen];
    proposals.list.push_back({structure, nearest_of(surrogate, structure.theta, known)});
    std::erase(pool, structure);
    const double guess = surrogate.at(structure.theta).mean;
    double error = 0;
    for (const SurrogatePoint& point : points) error += point.deviation;
    error /= static_cast<double>(points.size());
    surrogate = surrogate.with({structure.theta, guess, error});
    best = std::max(best, guess);
  }
  return proposals;
}

}  // namespace einsearch
