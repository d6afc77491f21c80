#include "task/regression.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "task/task_examples.h"

using namespace einsearch;

TEST_CASE("targets of either kind have mean 0 and variance 1, and the kinds differ") {
  std::vector<double> first;
  for (const RegressionTarget target : {RegressionTarget::relu, RegressionTarget::sine}) {
    const RegressionTask<double> task(
        {.inputs = 5, .target_width = 64, .target_depth = 3, .target = target});
    const Index samples = 4000;
    const Examples<double> examples = training(task, 0, samples);
    double sum = 0, squares = 0;
    for (Index n = 0; n < samples; ++n) {
      sum += examples.target(0, n) / samples;
      squares += examples.target(0, n) * examples.target(0, n) / samples;
    }
    CHECK(std::abs(sum) < 0.15);
    CHECK(squares == doctest::Approx(1).epsilon(0.2));
    first.push_back(examples.target(0, 0));
  }
  CHECK(first[0] != first[1]);
}

TEST_CASE("a sine target is smooth where a relu target has kinks") {
  // Along a line, the largest second difference of a relu network falls with the step h, that of a
  // smooth function with h^2.
  const auto bend = [](RegressionTarget target, double h) {
    const RegressionTask<double> task(
        {.inputs = 1, .target_width = 32, .target_depth = 2, .target = target});
    // Inputs cannot be chosen, but neighbours among many sorted ones are close: use those within h.
    const Index samples = 20000;
    const Examples<double> examples = training(task, 0, samples);
    std::vector<std::pair<double, double>> points;
    for (Index n = 0; n < samples; ++n) {
      if (std::abs(examples.input(0, n)) < 1)
        points.emplace_back(examples.input(0, n), examples.target(0, n));
    }
    std::sort(points.begin(), points.end());
    double largest = 0;
    for (std::size_t i = 0, j = 0, k = 0; i < points.size(); ++i) {
      while (j < points.size() && points[j].first < points[i].first + h) ++j;
      while (k < points.size() && points[k].first < points[i].first + 2 * h) ++k;
      if (k == points.size()) break;
      const double before =
          (points[j].second - points[i].second) / (points[j].first - points[i].first);
      const double after =
          (points[k].second - points[j].second) / (points[k].first - points[j].first);
      largest = std::max(largest, std::abs(after - before));
    }
    return largest;
  };
  CHECK(bend(RegressionTarget::sine, 0.02) < 0.6 * bend(RegressionTarget::sine, 0.05));
  CHECK(bend(RegressionTarget::relu, 0.02) > 0.6 * bend(RegressionTarget::relu, 0.05));
}
