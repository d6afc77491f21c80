#include "fit/tuning.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "fit/checked_ranking.h"

using namespace einsearch;

namespace {

constexpr double kUsualRate = 1e-3;

/// A structure whose loss is a parabola in the logarithm of the rate.
struct PlantedStructure {
  std::string name = "dense";
  double best_factor = 1;   ///< best rate over the usual one, at width 16
  double drift = 0;         ///< exponent of the best rate in the width
  double curvature = 0.05;  ///< of log loss in the logarithm of the rate
  double feature_exponent = 0;
  double multiplier = 1;  ///< of compute, over the first structure
  double best_batch = 64;
};

struct PlantedSweep {
  std::vector<Count> widths = {16, 24, 32, 48, 64};
  std::vector<Count> fan_widths = {24, 48};
  std::vector<double> factors = {0.25, 0.5, 1, 2, 4};
  std::vector<Count> batches = {};  ///< at width 32
  Count n_seeds = 2;
  double noise = 0.003;  ///< of log loss, after what the seed adds
  std::uint64_t world = 0;
};

double log_loss_of(const PlantedStructure& s, Count width, double factor, double batch, double c) {
  const double distance =
      std::log(factor / s.best_factor) - s.drift * std::log(static_cast<double>(width) / 16);
  const double right_compute = 1e6 * std::pow(static_cast<double>(width), 3);
  const double away = std::log(c / right_compute);
  const double batch_distance = std::log(batch / s.best_batch);
  return -0.2 * std::log(c * s.multiplier / 1e9) + 0.01 * away * away +
         s.curvature * distance * distance + 0.03 * batch_distance * batch_distance;
}

Curve planted_run(const PlantedStructure& s, Count width, double factor, Count batch, Count seed) {
  Curve curve;
  curve.run = s.name + std::to_string(width) + "/" + std::to_string(factor) + "/" +
              std::to_string(batch) + "/" + std::to_string(seed);
  curve.structure = curve.family = s.name;
  curve.task = "regression";
  curve.width = width;
  curve.depth = 3;
  curve.batch = batch;
  curve.lr = kUsualRate * factor;
  curve.schedule = "constant";
  curve.seed_init = curve.seed_data = seed;
  const double flops_per_example = 100 * static_cast<double>(width * width);
  const double longest = 4e6 * std::pow(static_cast<double>(width), 3);
  constexpr int kPoints = 20;
  for (int i = 0; i <= kPoints; ++i) {
    CurvePoint point;
    point.train_flops = longest * std::pow(1e-3, 1 - static_cast<double>(i) / kPoints);
    point.examples = std::llround(point.train_flops / flops_per_example);
    point.step = point.examples / batch;
    point.loss =
        std::exp(log_loss_of(s, width, factor, static_cast<double>(batch), point.train_flops));
    point.block_rms = {1, std::pow(static_cast<double>(width), s.feature_exponent)};
    curve.points.push_back(point);
  }
  return curve;
}

std::vector<Curve> planted_sweep(const std::vector<PlantedStructure>& structures,
                                 const PlantedSweep& sweep = {}) {
  const RandomStream random(sweep.world, StreamId::bootstrap, 7);
  std::vector<Curve> curves;
  const auto add = [&](const PlantedStructure& s, Count width, double factor, Count batch) {
    for (Count seed = 0; seed < sweep.n_seeds; ++seed) {
      Curve curve = planted_run(s, width, factor, batch, seed);
      const double shift = 0.02 * random.normal(1000000 + static_cast<std::uint64_t>(seed)) +
                           sweep.noise * random.normal(curves.size());
      for (CurvePoint& point : curve.points) point.loss *= std::exp(shift);
      curves.push_back(std::move(curve));
    }
  };
  for (const PlantedStructure& s : structures) {
    for (const Count width : sweep.widths) add(s, width, 1, 64);
    for (const Count width : sweep.fan_widths) {
      for (const double factor : sweep.factors) {
        if (factor != 1) add(s, width, factor, 64);
      }
    }
    for (const Count batch : sweep.batches) {
      if (batch != 64) add(s, 32, 1, batch);
    }
  }
  return curves;
}

const StructureTuning& row_of(const TuningReport& report, const std::string& name) {
  const auto found = std::find_if(report.rows.begin(), report.rows.end(), [&](const auto& row) {
    return row.structure == name;
  });
  REQUIRE(found != report.rows.end());
  return *found;
}

}  // namespace

TEST_CASE("the check passes a rule that is right and fails one that is off by a factor of 8") {
  for (const double error : {8.0, 1 / 8.0}) {
    CAPTURE(error);
    const PlantedStructure dense, broken{.name = "broken", .best_factor = 1 / error};
    // Also where the fan is too narrow to reach the best.
    for (const auto& factors :
         {std::vector{0.5, 1.0, 2.0}, std::vector{0.0625, 0.25, 1., 4., 16.}}) {
      const TuningReport report =
          check_tuning(planted_sweep({dense, broken}, {.factors = factors}));
      CHECK(row_of(report, "dense").tuning == Verdict::pass);
      CHECK(row_of(report, "broken").tuning == Verdict::fail);
      CHECK(row_of(report, "broken").regained.verdict == Verdict::fail);
    }
  }
}

TEST_CASE("the best rate, what it gains and how it drifts come back inside their intervals") {
  int covers_factor = 0, covers_gain = 0, covers_drift = 0;
  constexpr int kWorlds = 200;
  const PlantedStructure s{.name = "s", .best_factor = 1.3, .drift = -0.2};
  const double log_best = std::log(1.3) - 0.2 * std::log(48.0 / 16);
  for (int world = 0; world < kWorlds; ++world) {
    const TuningReport report = check_tuning(
        planted_sweep({{}, s, {.name = "other", .best_factor = 0.8}},
                      {.n_seeds = 3, .noise = 0.005, .world = static_cast<std::uint64_t>(world)}));
    const StructureTuning& row = row_of(report, "s");
    REQUIRE(row.n_inside == 2);
    const double gain = 0;  // of the rates run the usual one is nearest to the best
    const auto covers = [](const Estimate& e, double truth) {
      return e.low <= truth && truth <= e.high ? 1 : 0;
    };
    covers_factor += covers(row.best_factor, std::exp(log_best));
    covers_gain += covers(row.regained.number, gain);
    covers_drift += covers(row.drift.number, -0.2);
  }
  for (const int covered : {covers_factor, covers_drift}) {
    CHECK(covered >= 0.90 * kWorlds);
    CHECK(covered <= 0.99 * kWorlds);
  }
  CHECK(covers_gain >= 0.95 * kWorlds);
}

TEST_CASE("a best rate that falls with the width fails, and one that stays passes") {
  const std::vector<PlantedStructure> structures = {{}, {.name = "drifting", .drift = -1}};
  const TuningReport report = check_tuning(
      planted_sweep(structures, {.factors = {0.0625, 0.125, 0.25, 0.5, 1, 2, 4}, .noise = 0.001}));
  CHECK(row_of(report, "dense").drift.verdict == Verdict::pass);
  CHECK(row_of(report, "drifting").drift.verdict == Verdict::fail);
  CHECK(row_of(report, "drifting").drift.number.value == doctest::Approx(-1).epsilon(0.05));
}

TEST_CASE("features that grow with the width fail") {
  const TuningReport report =
      check_tuning(planted_sweep({{}, {.name = "growing", .feature_exponent = 0.5}}));
  CHECK(row_of(report, "dense").features.verdict == Verdict::pass);
  CHECK(row_of(report, "growing").features.verdict == Verdict::fail);
  CHECK(row_of(report, "growing").features.number.value == doctest::Approx(0.5));
}

TEST_CASE("curves that differ by a factor alone collapse, and others do not") {
  const auto collapse_of = [](const std::vector<Curve>& curves) {
    return row_of(check_tuning(curves), "dense").collapse;
  };
  std::vector<Curve> curves = planted_sweep({{}}, {.fan_widths = {}, .noise = 0});
  CHECK(collapse_of(curves).number.value < 1e-3);  // but for rounded steps
  for (Curve& curve : curves) {
    if (curve.width < 48) continue;  // thrice as steep
    for (CurvePoint& point : curve.points) point.loss = std::pow(point.loss, 3);
  }
  CHECK(collapse_of(curves).verdict > Verdict::pass);
}

TEST_CASE("a batch that costs loss is found, at equal compute") {
  const std::vector<PlantedStructure> structures = {{}, {.name = "small", .best_batch = 8}};
  const TuningReport report = check_tuning(planted_sweep(structures, {.batches = {32, 64, 128}}));
  CHECK(row_of(report, "dense").batch.verdict == Verdict::pass);
  CHECK(row_of(report, "small").batch.verdict == Verdict::fail);
  CHECK(row_of(report, "small").best_batch == 32);
}

TEST_CASE(
    "a structure whose seeds scatter far more than others' fails, however the rates compare") {
  std::vector<Curve> curves = planted_sweep({{}, {.name = "unsteady"}});
  for (Curve& curve : curves) {
    if (curve.structure != "unsteady" || curve.seed_init != 1) continue;
    curve.points.back().loss *= 2;
  }
  const TuningReport report = check_tuning(curves);
  CHECK(row_of(report, "dense").scatter.verdict == Verdict::pass);
  CHECK(row_of(report, "unsteady").scatter.verdict == Verdict::fail);
  CHECK(row_of(report, "unsteady").tuning == Verdict::fail);
}

TEST_CASE("the usual rate of a fan alone is its middle one") {
  const std::vector<Curve> curves = planted_sweep({{}, {.name = "broken", .best_factor = 0.125}},
                                                  {.widths = {}, .factors = {0.5, 2}});
  std::vector<Curve> fans = curves;
  for (const char* name : {"dense", "broken"}) {
    for (const Count width : {24, 48}) {
      for (const Count seed : {0, 1}) {
        fans.push_back(planted_run({.name = name}, width, 1, 64, seed));
      }
    }
  }
  for (Curve& curve : fans) {
    if (curve.structure == "broken") curve.lr *= 8;
  }
  const TuningReport report = check_tuning(fans);
  CHECK(row_of(report, "dense").rate == kUsualRate);
  CHECK(row_of(report, "broken").rate == 8 * kUsualRate);
}

TEST_CASE("what was not run is said to be not run, and nothing else changes") {
  const PlantedStructure dense, other{.name = "other"};
  const TuningReport none = check_tuning(planted_sweep({dense, other}, {.fan_widths = {}}));
  for (const StructureTuning& row : none.rows) {
    CHECK(row.range.verdict == Verdict::not_run);
    CHECK(row.regained.verdict == Verdict::not_run);
    CHECK(row.batch.verdict == Verdict::not_run);
    CHECK(row.collapse.verdict == Verdict::pass);
    CHECK(row.tuning == Verdict::not_run);
  }
  std::vector<Curve> unknown = planted_sweep({dense}, {.fan_widths = {}});
  for (Curve& curve : unknown) {
    curve.lr = kMissing;
    curve.batch = 0;
  }
  CHECK(row_of(check_tuning(unknown), "dense").scatter.verdict == Verdict::pass);
  CHECK(row_of(check_tuning(unknown), "dense").collapse.verdict == Verdict::pass);
  const TuningReport one = check_tuning(planted_sweep({dense}, {.fan_widths = {32}}));
  CHECK(row_of(one, "dense").range.verdict == Verdict::weak);
  CHECK(row_of(one, "dense").drift.verdict == Verdict::not_run);
}

TEST_CASE("a rate at which a run diverges is worse than all others") {
  std::vector<Curve> curves = planted_sweep({{.best_factor = 3}});
  for (Curve& curve : curves) {
    if (curve.lr < 1.5 * kUsualRate) continue;
    curve.points.resize(5);
    curve.points.back().loss = kMissing;
    curve.points.back().status = RunStatus::diverged;
  }
  const StructureTuning row = check_tuning(curves).rows.front();
  CHECK(row.n_inside == 2);
  CHECK(row.best_factor.value == doctest::Approx(1));
  CHECK(row.regained.verdict == Verdict::pass);
}

TEST_CASE("a check does not depend on the order of the curves") {
  std::vector<Curve> curves =
      planted_sweep({{}, {.name = "other", .best_factor = 2}}, {.batches = {32, 64, 128}});
  const auto text_of = [&curves] {
    std::string text;
    const TuningReport report = check_tuning(curves);
    for (const StructureTuning& row : report.rows)
      text += row.structure + std::to_string(row.regained.number.high) +
              std::to_string(row.drift.number.low) + std::to_string(row.collapse.number.value);
    for (const std::string& line : tuning_lines(report)) text += line;
    return text;
  };
  const std::string before = text_of();
  std::reverse(curves.begin(), curves.end());
  CHECK(text_of() == before);
}

TEST_CASE("a checked ranking leaves out what failed, and runs that only served to check") {
  const std::vector<PlantedStructure> structures = {
      {},
      {.name = "good", .best_factor = 1.2, .multiplier = 1.5},
      {.name = "broken", .best_factor = 0.125, .multiplier = 2}};
  const std::vector<Curve> curves =
      planted_sweep(structures, {.factors = {0.125, 0.25, 0.5, 1, 2}});
  const std::vector<Curve> usual = planted_sweep(structures, {.fan_widths = {}});
  const TuningReport report = check_tuning(curves);
  RankingOptions options;
  options.bootstrap.n_replicates = 20;
  const auto row_in = [](const Ranking& ranking, const std::string& name) {
    return *std::find_if(ranking.rows.begin(), ranking.rows.end(), [&](const auto& row) {
      return row.structure == name;
    });
  };
  const Ranking heeded = rank_checked(curves, report, options, FailedTuning::left_out);
  CHECK(row_in(heeded, "broken").rank == 0);
  CHECK(row_in(heeded, "broken").tuning == "fail");
  CHECK(row_in(heeded, "good").rank == 1);
  CHECK(row_in(heeded, "dense").tuning == "pass");
  const Ranking forced = rank_checked(curves, report, options, FailedTuning::ranked);
  CHECK(row_in(forced, "broken").rank > 0);
  CHECK(row_in(forced, "broken").tuning == "fail");
  CHECK(row_in(forced, "good").frontier.n_runs ==
        row_in(rank_structures(usual, options), "good").frontier.n_runs);
}
