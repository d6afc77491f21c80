#include "fit/frontier.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "fit/planted.h"
#include "fit/power_law.h"

using namespace einsearch;

namespace {

Runs pointers(const std::vector<Curve>& curves) {
  Runs runs;
  for (const Curve& curve : curves) runs.push_back(&curve);
  return runs;
}

/// Ends at `compute` with `loss` after a linear decay, with points inside the decay before.
Curve decaying_run(Count width, double compute, double loss) {
  Curve curve;
  curve.run = std::to_string(width) + "@" + std::to_string(compute);
  curve.structure = "dense";
  curve.schedule = "linear";
  curve.width = width;
  for (int i = 1; i <= 10; ++i) {
    CurvePoint point;
    point.step = i;
    point.train_flops = compute * i / 10;
    point.loss = loss * 10 / i;
    point.anneal = i / 10.0;
    curve.points.push_back(point);
  }
  return curve;
}

}  // namespace

TEST_CASE("the envelope lies on the lowest run, names it, and holds interior widths only") {
  const std::vector<Curve> curves = planted_curves({.n_seeds = 1});
  const Runs runs = pointers(curves);
  const Frontier frontier = envelope(select_points(runs, PointChoice::comparable));
  CHECK(frontier.n_budgets == 100);
  CHECK(static_cast<Count>(frontier.points.size()) + frontier.n_dropped_smallest +
            frontier.n_dropped_largest ==
        100);
  CHECK(frontier.n_dropped_smallest > 0);
  CHECK(frontier.n_dropped_largest > 0);
  for (const FrontierPoint& point : frontier.points) {
    CHECK(point.width != curves.front().width);
    CHECK(point.width != curves.back().width);
    CHECK(runs[static_cast<std::size_t>(point.run)]->width == point.width);
    const double law = 4 * std::pow(point.compute, -0.15);
    CHECK(point.loss >= law * (1 - 1e-12));
    CHECK(point.loss <= law * 1.02);
  }
}

TEST_CASE("one or two widths leave the envelope untrimmed") {
  const std::vector<Curve> curves = planted_curves({.widths = {64, 128}});
  const Frontier frontier = envelope(select_points(pointers(curves), PointChoice::comparable));
  CHECK(frontier.points.size() == 100);
  CHECK(frontier.n_dropped_smallest == 0);
  CHECK(fit_power_law(frontier).status == FitStatus::few_widths);
}

TEST_CASE("the first 2 % of a run's steps never reach the frontier") {
  std::vector<Curve> curves = planted_curves({.widths = {64}, .n_seeds = 1});
  Curve& curve = curves.front();
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    curve.points[i].step = static_cast<Count>(i) * 10;
  }
  curve.points[1].loss = 1e-6;  // step 10 of 590: inside the first 2 %
  const Frontier frontier = envelope(select_points(pointers(curves), PointChoice::comparable));
  for (const FrontierPoint& point : frontier.points) CHECK(point.loss > 1e-3);
}

TEST_CASE("points inside a decay are no frontier points unless asked for") {
  std::vector<Curve> curves;
  for (const Count width : {64, 128, 256, 512}) {
    const double compute = 1e9 * static_cast<double>(width * width);
    curves.push_back(decaying_run(width, compute, std::pow(compute, -0.2)));
  }
  const Runs runs = pointers(curves);
  const TrackSet chosen = select_points(runs, PointChoice::comparable);
  CHECK(chosen.kind == PointKind::annealed);
  CHECK(chosen.n_inside_decay == 36);
  const Frontier frontier = envelope(chosen);
  CHECK(frontier.points.size() == 4);
  CHECK(fit_power_law(frontier).exponent == doctest::Approx(0.2).epsilon(1e-12));
  CHECK(envelope(select_points(runs, PointChoice::all)).points.size() > 4);
}

TEST_CASE("annealed ends of one width at several horizons are interpolated and trimmed") {
  std::vector<Curve> curves;
  for (const Count width : {64, 128, 256, 512}) {
    const double best = 1e9 * std::pow(static_cast<double>(width) / 64, 4);
    for (const double away : {-3.0, -1.5, 0.0, 1.5, 3.0}) {
      const double compute = best * std::exp(away);
      curves.push_back(
          decaying_run(width, compute, std::pow(compute, -0.2) * std::exp(0.02 * away * away)));
    }
  }
  const Frontier frontier = envelope(select_points(pointers(curves), PointChoice::comparable));
  CHECK(frontier.n_budgets == 100);
  CHECK(frontier.n_runs == 20);
  CHECK(fit_power_law(frontier).exponent == doctest::Approx(0.2).epsilon(0.05));
}

TEST_CASE("a run that diverged is left out whole and counted") {
  std::vector<Curve> curves = planted_curves({});
  curves[3].points.back().loss = std::nan("");
  curves[4].points.back().status = RunStatus::diverged;
  const TrackSet set = select_points(pointers(curves), PointChoice::comparable);
  CHECK(set.n_diverged == 2);
  for (const FrontierPoint& point : envelope(set).points) {
    CHECK(point.run != 3);
    CHECK(point.run != 4);
  }
}

TEST_CASE("losses of zero, below zero or not above the offset are refused") {
  std::vector<Curve> curves = planted_curves({});
  CHECK_THROWS_AS(select_points(pointers(curves), PointChoice::comparable, 1e3), Error);
  for (const double loss : {0.0, -1.0}) {
    curves[2].points.back().loss = loss;
    CHECK_THROWS_AS(select_points(pointers(curves), PointChoice::comparable), Error);
  }
}
