#include "structure/theta.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/random.h"
#include "structure/catalogue.h"
#include "structure/fraction.h"
#include "structure/lattice.h"
#include "structure/taxonomy.h"

using namespace einsearch;

namespace {

/// Every theta of the lattice 1/n.
template <typename See>
void for_lattice(int n, See see) {
  for (const SidePoint& input : side_points(n)) {
    for (const SidePoint& output : side_points(n)) {
      for (int rho = 0; rho <= n; ++rho) see(LatticePoint{input, output, rho});
    }
  }
}

}  // namespace

TEST_CASE("of a theta and its exchange exactly one is canonical unless they are equal") {
  for_lattice(5, [](const LatticePoint& point) {
    const Theta theta = theta_of(point, 5);
    const Theta exchanged = exchange_factors(theta);
    CAPTURE(theta);
    if (exchanged == theta) {
      CHECK(is_canonical(theta));
    } else {
      CHECK(is_canonical(theta) != is_canonical(exchanged));
    }
    CHECK(canonical(canonical(theta)) == canonical(theta));
    CHECK(canonical(exchanged) == canonical(theta));
  });
}

TEST_CASE("whole numbers and floating point agree on canonical, degenerate and taxonomy") {
  for (const int n : {4, 6, 7}) {
    for_lattice(n, [n](const LatticePoint& point) {
      const Theta theta = theta_of(point, n);
      CAPTURE(theta);
      CHECK(is_canonical(point.input, point.output) == is_canonical(theta));
      CHECK((point.rho > largest_rho(point.input, point.output)) == is_degenerate(theta));
      CHECK(taxonomy_of(point, n) == taxonomy(theta));
    });
  }
}

TEST_CASE("exchange and transposition keep omega, psi and nu") {
  for_lattice(4, [](const LatticePoint& point) {
    const Theta theta = theta_of(point, 4);
    CAPTURE(theta);
    CHECK(taxonomy(exchange_factors(theta)) == taxonomy(theta));
    CHECK(taxonomy(transpose(theta)) == taxonomy(theta));
    CHECK(transpose(transpose(theta)) == theta);
  });
}

TEST_CASE("the paper's structures are canonical and not degenerate") {
  for (const NamedTheta& named : paper_structures()) {
    CAPTURE(named.name);
    CHECK(is_canonical(named.theta));
    CHECK_FALSE(is_degenerate(named.theta));
    CHECK_NOTHROW(validate(named.theta));
  }
}

TEST_CASE("the published Tensor-Train example has rank d^(7/12) and nu 1/3 in its cheaper order") {
  const Taxonomy place = taxonomy({1.0 / 3, 2.0 / 3, 0, 0.75, 0.25, 0, 0});
  CHECK(place.nu == 1.0 / 3);
  CHECK(place.omega == 0.25);
  CHECK(place.psi == 7.0 / 12);
}

TEST_CASE("exponents of the taxonomy carry no rounding errors of sums") {
  const Theta theta{0.386795, 0.214045, 0.39916, 0.507557, 0.355474, 0.136969, 0.305978};
  CHECK(taxonomy(theta) == Taxonomy{.omega = 0.214045, .psi = 1, .nu = 0.950504});
}

TEST_CASE("the nearest fraction is the nearest of all fractions") {
  const RandomStream random(1, StreamId::space_sample);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const double x = random.uniform(i);
    const Fraction found = nearest_fraction(x, 17);
    CAPTURE(x);
    CHECK(found.denominator <= 17);
    for (Count q = 1; q <= 17; ++q) {
      const double other = std::round(x * static_cast<double>(q)) / static_cast<double>(q);
      CHECK(std::abs(found.value() - x) <= std::abs(other - x) + 1e-15);
    }
  }
  CHECK(to_string(nearest_fraction(0.33, 1000)) == "33/100");
  CHECK(snap(0.9999999999999999) == 1);
  CHECK(snap(0.123456789) == 0.123456789);
}
