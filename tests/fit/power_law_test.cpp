#include "fit/power_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fit/edge.h"
#include "fit/line.h"

using namespace einsearch;

namespace {

Frontier exact(double exponent, double prefactor, double offset) {
  Frontier frontier{.n_widths = 4};
  for (int i = 0; i < 20; ++i) {
    const double compute = 1e10 * std::pow(1.7, i);
    frontier.points.push_back({compute, offset + prefactor * std::pow(compute, -exponent), 0, 64});
  }
  return frontier;
}

}  // namespace

TEST_CASE("an exact law comes back exactly, whatever its offset") {
  for (const double offset : {0.0, 1.69, 3.25}) {
    CAPTURE(offset);
    const PowerLaw law = fit_power_law(exact(0.31, 50, offset), offset);
    CHECK(law.status == FitStatus::converged);
    CHECK(law.exponent == doctest::Approx(0.31).epsilon(1e-10));
    CHECK(law.loss(1e12) == doctest::Approx(offset + 50 * std::pow(1e12, -0.31)).epsilon(1e-10));
    CHECK(law.compute(law.loss(3e13)) == doctest::Approx(3e13).epsilon(1e-9));
    CHECK(law.rms_residual < 1e-10);
    CHECK(law.compute(offset) == std::numeric_limits<double>::infinity());
    CHECK(law.decades() == doctest::Approx(19 * std::log10(1.7)));
  }
}

TEST_CASE("laws follow their largest runs beyond the frontier and nowhere else") {
  std::vector<PowerLaw> laws(4, fit_power_law(exact(0.31, 50, 0)));
  const PowerLaw before = laws[0];
  const double edge = 10 * before.max_compute, far = 100 * edge;
  std::vector<double> last(4, before.loss(edge));
  last[1] *= 1.08;
  // The fourth was planned otherwise: it neither follows nor counts.
  follow_edges(last, {edge, edge, edge, 5 * edge}, laws);
  CHECK(laws[3].edge_shift == 0);
  CHECK(laws[0].edge_shift + laws[1].edge_shift + laws[2].edge_shift == doctest::Approx(0));
  CHECK(laws[1].loss(far) / laws[0].loss(far) == doctest::Approx(1.08));
  for (const PowerLaw& law : laws) {
    CHECK(law.loss(before.max_compute) == before.loss(before.max_compute));
    for (const double compute :
         {before.min_compute, before.max_compute, 3 * before.max_compute, edge, far}) {
      CHECK(law.compute(law.loss(compute)) == doctest::Approx(compute).epsilon(1e-9));
    }
  }
  std::vector<PowerLaw> two(2, before);
  follow_edges({last[0], last[1]}, {edge, edge}, two);
  CHECK(two[1].edge_shift == 0);  // of two, nobody knows which is off
}

TEST_CASE("what cannot be fitted has a status, not a number") {
  CHECK(fit_power_law({}).status == FitStatus::too_few_points);
  Frontier one = exact(0.2, 1, 0);
  one.points.resize(1);
  CHECK(fit_power_law(one).status == FitStatus::too_few_points);
  one.points.push_back(one.points[0]);
  CHECK(fit_power_law(one).status == FitStatus::too_few_points);
  CHECK(fit_power_law(exact(-0.2, 1, 0)).status == FitStatus::not_falling);
}

TEST_CASE("a line has the slope, intercept and errors of the normal equations") {
  const double x[] = {1, 2, 4, 7};
  const double y[] = {2, 3, 3, 9};
  const LineFit fit = fit_line(x, y);
  // Sxx = 21, Sxy = 23.5, Syy = 30.75 about the means 3.5 and 4.25.
  CHECK(fit.slope == doctest::Approx(23.5 / 21));
  CHECK(fit.intercept == doctest::Approx(4.25 - 3.5 * 23.5 / 21));
  const double residual = 30.75 - 23.5 * 23.5 / 21;
  CHECK(fit.slope_stderr == doctest::Approx(std::sqrt(residual / 2 / 21)));
  CHECK(fit.intercept_stderr ==
        doctest::Approx(std::sqrt(residual / 2 * (1.0 / 4 + 3.5 * 3.5 / 21))));
}
