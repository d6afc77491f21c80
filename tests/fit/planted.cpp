#include "fit/planted.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace einsearch {
namespace {

constexpr int kPointsPerRun = 60;
constexpr double kCurvature = 0.02;  // how fast a run leaves the law, per squared log compute

Curve planted_run(const PlantedLaw& law, Count width, Count seed, double run_noise) {
  Curve curve;
  curve.run = fmt::format("{}-{}-{}", law.structure, width, seed);
  curve.structure = law.structure;
  curve.task = "regression";
  curve.schedule = "constant";
  curve.width = width;
  curve.seed_init = curve.seed_data = seed;
  const double best = 1e9 * std::pow(static_cast<double>(width) / 64, 4);
  for (int i = 0; i < kPointsPerRun; ++i) {
    // From a thirtieth to thirty times the best compute.
    const double away = std::log(30.0) * (2.0 * i / (kPointsPerRun - 1) - 1);
    CurvePoint point;
    point.step = static_cast<Count>(std::lround(1e5 * std::exp(away) + 1e4));
    const double compute = best * std::exp(away);
    const double law_loss = law.prefactor * std::pow(compute, -law.exponent);
    point.train_flops = compute * law.cost;
    point.loss = law.offset + law_loss * std::exp(kCurvature * away * away + run_noise);
    curve.points.push_back(point);
  }
  return curve;
}

}  // namespace

std::vector<Curve> planted_curves(const PlantedLaw& law) {
  std::mt19937_64 generator(law.noise_seed);
  std::normal_distribution<double> normal(0, 1);
  std::vector<Curve> curves;
  for (const Count width : law.widths) {
    for (Count seed = 0; seed < law.n_seeds; ++seed) {
      curves.push_back(planted_run(law, width, seed, law.noise * normal(generator)));
    }
  }
  return curves;
}

std::vector<Curve> joined(std::vector<Curve> a, const std::vector<Curve>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const RankedStructure& row_of(const Ranking& ranking, const std::string& structure) {
  const auto found = std::find_if(ranking.rows.begin(), ranking.rows.end(), [&](const auto& row) {
    return row.structure == structure;
  });
  REQUIRE(found != ranking.rows.end());
  return *found;
}

}  // namespace einsearch
