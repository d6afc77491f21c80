#include "search/standard.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "search/match.h"
#include "structure/candidate.h"
#include "structure/notation.h"

using namespace einsearch;

TEST_CASE("the standard plan spans the families, matches FLOPs and trains long enough") {
  const StandardPlan plan = standard_plan();
  std::map<std::string, std::set<Index>> widths;
  std::set<Family> families;
  std::map<Count, double> dense_flops;  // by steps, which differ from scale to scale
  bool has_rank_one = false, has_higher_rank = false;
  for (const RunSpec& run : plan.runs) {
    const Structure& structure = model_options(run.model).structure;
    const Index width = model_options(run.model).width;
    CAPTURE(structure.name);
    CAPTURE(width);
    if (structure.is_dense) dense_flops[run.steps] = model_flops(run.model);
    CHECK(std::abs(model_flops(run.model) / dense_flops.at(run.steps) - 1) <
          0.2);  // small widths come in coarse steps
    CHECK(run.steps >= 2000);
    CHECK(run.schedule.kind == ScheduleKind::constant);
    widths[structure.name].insert(width);
    families.insert(family(structure.theta));
    if (family(structure.theta) == Family::btt)
      (structure.theta.rho > 0 ? has_higher_rank : has_rank_one) = true;
  }
  CHECK(families.size() == 7);
  CHECK(has_rank_one);
  CHECK(has_higher_rank);
  for (const auto& [name, of_structure] : widths) {
    CAPTURE(name);
    CHECK(of_structure.size() >= 4);
  }
  const Census& census = plan.census;
  CHECK(census.points == 1125);
  CHECK(census.points - census.redundant - census.degenerate == 247);  // the closed-form count
  CHECK(census.candidates + census.invalid + census.repeated == 247);
}

TEST_CASE("of thetas with equal sizes one is kept") {
  // At width 4 quarter powers round to the same divisors again and again.
  const Census census = choose_representatives(4, 4, {}).census;
  CHECK(census.repeated > 0);
  CHECK(census.candidates + census.repeated + census.invalid == 247);
}

TEST_CASE("familiar structures get their names back") {
  for (const char* name :
       {"dense", "kronecker", "monarch", "low-rank:0.5", "tt:0.25", "btt:rank=0.25"}) {
    const Structure named = parse_structure(name);
    CHECK(with_familiar_name(structure_of(named.theta)).name == name);
  }
  const Structure other = parse_structure("(0.5|0.25|0.25|0.25|0.5|0.25|0)");
  CHECK(with_familiar_name(other) == other);
  const Structure fixed = parse_structure("btt:ranks=2");
  CHECK(with_familiar_name(fixed) == fixed);
}

TEST_CASE("a matched width costs what was asked for, at sizes near theta") {
  for (const char* name :
       {"monarch", "kronecker", "low-rank:0.5", "btt:ranks=2", "(0.5|0.25|0.25|0.25|0.5|0.25|0)"}) {
    CAPTURE(name);
    MlpOptions options;
    options.structure = parse_structure(name);
    const double target = 2e5;
    options.width = WidthMatcher(options).match(target, 64);
    CHECK(std::abs(std::log(model_flops(options) / target)) < 0.06);
    const auto up = WidthResolver(options.width, 4 * options.width, {})(options.structure);
    REQUIRE(up);
    CHECK(up->quality.rounding_error < 0.5);
  }
  MlpOptions dense;
  dense.structure = parse_structure("dense");
  dense.width = 48;
  CHECK(WidthMatcher(dense).match(model_flops(dense), 16) == 48);
}

TEST_CASE("a plan gives the same curves on one and two threads, in its own order") {
  std::vector<RunSpec> plan;
  for (const char* name : {"dense", "monarch", "kronecker"}) {
    for (const std::uint64_t seed : {0, 1}) {
      RunSpec run;
      model_options(run.model).structure = parse_structure(name);
      model_options(run.model).width = 16;
      run.task = RegressionOptions{.target_width = 16, .target_depth = 2, .seed_data = seed};
      run.seed_init = seed;
      run.batch = 20;
      run.steps = 10 + 5 * static_cast<Count>(plan.size());
      run.held_out = 64;
      plan.push_back(run);
    }
  }
  const auto curves = [&](int threads) {
    double share = 0;
    std::vector<Curve> result = run_plan(
        plan, Threads(threads), [&share](const SweepProgress& state) { share = state.share; });
    CHECK(share == doctest::Approx(1));
    for (Curve& curve : result) {
      for (CurvePoint& point : curve.points) point.time_s = 0;
      CurvePoint& untrained = curve.points.front();
      untrained.train_loss = untrained.rate = untrained.grad_norm = 0;  // missing: nan
    }
    return result;
  };
  const std::vector<Curve> one = curves(1);
  CHECK(one == curves(2));
  for (std::size_t i = 0; i < plan.size(); ++i) CHECK(one[i].run == run_id(plan[i]));
}
