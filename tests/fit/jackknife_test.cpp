#include "fit/jackknife.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace einsearch;

TEST_CASE("the jackknife of a mean is the textbook standard error of the mean") {
  const std::vector<double> sample = {2.0, 3.5, 1.0, 7.25, 4.0};
  const double n = static_cast<double>(sample.size());
  double sum = 0;
  for (const double x : sample) sum += x;
  double squares = 0;
  for (const double x : sample) squares += (x - sum / n) * (x - sum / n);
  std::vector<double> replicates;
  for (const double x : sample) replicates.push_back((sum - x) / (n - 1));
  CHECK(jackknife_variance(replicates) == doctest::Approx(squares / (n * (n - 1))).epsilon(1e-14));
}

TEST_CASE("fewer than two replicates have no variance, no degrees of freedom no interval") {
  CHECK(std::isnan(jackknife_variance(std::vector<double>{1.0})));
  CHECK(std::isnan(jackknife_variance({})));
  CHECK_FALSE(with_student_interval(1, 1, 0).has_interval());
  CHECK(with_student_interval(1, 1, 3).high == doctest::Approx(4.18245).epsilon(1e-5));
}

TEST_CASE("Student's quantiles are those of the tables and of the closed forms") {
  struct Row {
    double degrees;
    double quantile;
  };
  // Upper 97.5 %, tables of Fisher and Yates.
  for (const auto [degrees, quantile] :
       {Row{1, 12.7062}, {2, 4.30265}, {3, 3.18245}, {7, 2.36462}, {30, 2.04227}, {1e7, 1.95996}}) {
    CAPTURE(degrees);
    CHECK(student_t_quantile(0.975, degrees) == doctest::Approx(quantile).epsilon(1e-5));
  }
  const double pi = std::acos(-1.0);
  for (const double p : {0.01, 0.3, 0.5, 0.9, 0.999}) {
    CAPTURE(p);
    CHECK(student_t_quantile(p, 1) == doctest::Approx(std::tan(pi * (p - 0.5))).epsilon(1e-9));
    CHECK(student_t_probability(student_t_quantile(p, 4.5), 4.5) ==
          doctest::Approx(p).epsilon(1e-11));
  }
}
