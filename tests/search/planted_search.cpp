#include "search/planted_search.h"

#include <fmt/format.h>

#include <cmath>
#include <random>
#include <set>

#include "base/digest.h"

namespace einsearch {
namespace {

/// A standard normal number that depends on the text alone.
double normal_of(const std::string& text) {
  std::mt19937_64 generator(std::stoull(digest(text), nullptr, 16));
  return std::normal_distribution<double>(0, 1)(generator);
}

}  // namespace

const PlantedStructure& PlantedSearch::find(const std::string& name) const {
  for (const PlantedStructure& structure : structures) {
    if (structure.name == name) return structure;
  }
  throw std::logic_error("no such structure");
}

SearchProblem PlantedSearch::problem() const {
  SearchProblem problem;
  std::vector<PlantedStructure> off_lattice;
  for (const PlantedStructure& structure : structures) {
    if (structure.round == 0) {
      problem.candidates.push_back({structure.name, structure.family, flops});
    } else {
      off_lattice.push_back(structure);
    }
  }
  if (off_lattice.empty()) return problem;
  problem.neighbours = [off_lattice, costs = flops](const std::string& name, int round) {
    std::vector<SearchCandidate> found;
    for (const PlantedStructure& structure : off_lattice) {
      if (structure.parent == name && structure.round == round)
        found.push_back({structure.name, structure.family, costs});
    }
    return found;
  };
  return problem;
}

double PlantedSearch::loss(const std::string& name, double compute) const {
  const PlantedStructure& structure = find(name);
  const double middle = flops[flops.size() / 2];
  return offset + structure.prefactor * std::pow(compute / middle, -structure.exponent);
}

double PlantedSearch::multiplier(const std::string& name, double compute) const {
  const PlantedStructure& dense = structures.front();
  const double middle = flops[flops.size() / 2];
  const double reducible = loss(name, compute) - offset;
  return middle * std::pow(reducible / dense.prefactor, -1 / dense.exponent) / compute;
}

Curve PlantedSearch::curve(const SearchCandidate& candidate, const Trial& trial) const {
  const PlantedStructure& structure = find(candidate.name);
  Curve curve;
  curve.structure = candidate.name;
  curve.family = candidate.family;
  curve.task = "regression";
  curve.width = Count{8} << trial.scale;
  curve.schedule = "constant";
  curve.seed_init = curve.seed_data = trial.seed + (trial.is_confirmation ? 1000 : 0);
  curve.run = fmt::format("{}-{}-{:g}-{}-{}",
                          candidate.name,
                          trial.scale,
                          trial.lr_factor,
                          trial.seed,
                          trial.is_confirmation ? "c" : "s");
  const double off = std::log2(trial.lr_factor / structure.best_rate);
  const double run_noise = noise * normal_of(fmt::format("{} {}", seed, curve.run));
  const double of_target =
      trial.is_confirmation
          ? target_noise * normal_of(fmt::format("{} target {}", seed, trial.seed))
          : 0;
  constexpr int kPoints = 12;
  for (int i = 0; i < kPoints; ++i) {
    CurvePoint& point = curve.points.emplace_back();
    const double share = std::pow(0.6, kPoints - 1 - i);
    point.step = static_cast<Count>(std::lround(1e5 * share));
    point.train_flops = candidate.flops[trial.scale] * share;
    const double reducible = (loss(candidate.name, candidate.flops[trial.scale]) - offset) *
                             (1 + rate_penalty * off * off) * std::pow(share, -0.4);
    point.loss = (offset + reducible) * std::exp(run_noise + of_target);
    if (!structure.diverges || i < kPoints / 2) continue;
    point.loss = std::nan("");
    point.status = RunStatus::diverged;
    break;
  }
  return curve;
}

PlantedRun run_planted(const PlantedSearch& world, const HalvingOptions& options) {
  Halving halving(world.problem(), options);
  std::map<Trial, Curve> done;
  PlantedRun result;
  while (true) {
    result.state = halving.next([&](const SearchCandidate&, const Trial& trial) -> const Curve* {
      const auto known = done.find(trial);
      return known == done.end() ? nullptr : &known->second;
    });
    if (result.state.batch.empty()) break;
    for (const Trial& trial : result.state.batch)
      done[trial] = world.curve(result.state.candidates[trial.candidate], trial);
  }
  result.runs = done.size();
  return result;
}

PlantedSearch planted_world(int n, double level_scatter, double slope_scatter, std::uint64_t seed) {
  PlantedSearch world;
  world.seed = seed;
  const std::vector<std::string> families = {"low-rank", "kronecker", "tt", "btt", "generic"};
  for (int s = 0; s <= n; ++s) {
    PlantedStructure& structure = world.structures.emplace_back();
    structure.name = s == 0 ? "dense" : fmt::format("s{:02d}", s);
    structure.family = s == 0 ? "dense" : families[static_cast<std::size_t>(s) % families.size()];
    const auto draw = [&](const char* what) {
      return normal_of(fmt::format("{} {} {}", seed, what, structure.name));
    };
    structure.prefactor = std::exp(level_scatter * draw("level"));
    structure.exponent = std::max(0.03, 0.15 + slope_scatter * draw("slope"));
  }
  return world;
}

}  // namespace einsearch
