#include "search/enumerate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "search/ladder.h"
#include "search/pareto.h"
#include "structure/lattice.h"
#include "structure/notation.h"

using namespace einsearch;

namespace {

SpaceOptions at(Index d_in, Index d_out) {
  SpaceOptions options;
  options.d_in = d_in;
  options.d_out = d_out;
  return options;
}

std::vector<Candidate> collect(const Walk& walk) {
  std::vector<Candidate> candidates;
  visit_all(walk, [&](const Candidate& candidate) {
    candidates.push_back(candidate);
    return true;
  });
  return candidates;
}

std::vector<Candidate> grid(int n, const SpaceOptions& options) {
  return collect(grid_walk(n, options));
}

Walk sample_walk(Count count, std::uint64_t seed, const SpaceOptions& options) {
  return {1, [=](std::size_t, const CandidateVisitor& visit) {
            return enumerate_samples(count, seed, options, visit);
          }};
}

const Threads kTwoThreads(2);

using SizeKey = std::tuple<bool, Index, Index, Index, Index, Index, Index, Index>;

SizeKey key_of(const Candidate& candidate) {
  const Sizes& s = candidate.shape.sizes;
  return {candidate.shape.is_dense,
          s.n_alpha,
          s.n_beta,
          s.n_gamma,
          s.n_delta,
          s.n_epsilon,
          s.n_phi,
          s.n_rho};
}

}  // namespace

TEST_CASE("lattice counts equal their closed forms") {
  const std::map<int, Count> canonical_not_degenerate = {{2, 30}, {3, 94}, {4, 247}, {6, 1088}};
  for (const auto& [n, expected] : canonical_not_degenerate) {
    CAPTURE(n);
    SpaceOptions options = at(64, 256);
    CHECK(count_theta(n, options) == expected);
    CHECK(count_grid(n, options, kTwoThreads).kept == expected);
    CHECK(static_cast<Count>(grid(n, options).size()) == expected);
    options.keep_degenerate = true;
    CHECK(count_theta(n, options) == lattice_counts(n).canonical);
    options.keep_redundant = true;
    CHECK(count_theta(n, options) == lattice_counts(n).all);
    CHECK(count_grid(n, options, kTwoThreads).kept == lattice_counts(n).all);
  }
  CHECK(lattice_counts(60).all == 218128741);
}

TEST_CASE("a candidate of the lattice is what resolving its theta gives") {
  for (const Rounding rounding : {Rounding::exact, Rounding::paper}) {
    for (const auto& [d_in, d_out] : {std::pair<Index, Index>{64, 256}, {96, 60}, {128, 128}}) {
      SpaceOptions options = at(d_in, d_out);
      options.resolve.rounding = rounding;
      options.keep_redundant = true;
      const WidthResolver resolver(d_in, d_out, options.resolve);
      std::size_t visited = 0;
      visit_all(grid_walk(6, options), [&](const Candidate& candidate) {
        if (++visited % 7 != 0) return true;
        CAPTURE(candidate.theta);
        std::optional<Candidate> resolved = resolver(structure_of(candidate.theta));
        REQUIRE(resolved.has_value());
        CHECK(resolved->shape == candidate.shape);
        CHECK(resolved->shape ==
              resolve(structure_of(candidate.theta), d_in, d_out, options.resolve));
        CHECK(resolved->taxonomy == candidate.taxonomy);
        CHECK(resolved->quality.rounding_error ==
              doctest::Approx(candidate.quality.rounding_error));
        return true;
      });
      CHECK(visited > 1000);
      CHECK(count_grid(6, options, kTwoThreads).kept == static_cast<Count>(visited));
    }
  }
}

TEST_CASE("filters keep exactly the rows that satisfy them") {
  SpaceOptions options = at(256, 1024);
  const std::vector<Candidate> all = grid(4, options);
  options.filters = FilterSet(parse_filters("omega <= 0.25, psi>=1, params<30000, rank=256"));
  const std::vector<Candidate> some = grid(4, options);
  const auto expected = std::count_if(all.begin(), all.end(), [](const Candidate& c) {
    return c.taxonomy.omega <= 0.25 && c.taxonomy.psi >= 1 && c.shape.params < 30000 &&
           c.shape.rank == 256;
  });
  CHECK(static_cast<std::ptrdiff_t>(some.size()) == expected);
  CHECK(expected > 0);
  CHECK(count_grid(4, options, kTwoThreads).kept == expected);
}

TEST_CASE("counting with filters counts the rows that are listed") {
  for (const Rounding rounding : {Rounding::exact, Rounding::paper}) {
    for (const auto& [d_in, d_out] : {std::pair<Index, Index>{64, 256}, {96, 60}, {4096, 4096}}) {
      for (const char* filters : {"rank>=30",
                                  "params<=20000, rank>=16",
                                  "flops>1000, flops<30000, omega<=0.5",
                                  "rank=60",
                                  "n_rho=4",
                                  "rounding_error<=0.1, params<100000",
                                  "theta_drift>0.01, psi>=1"}) {
        CAPTURE(d_in);
        CAPTURE(filters);
        SpaceOptions options = at(d_in, d_out);
        options.resolve.rounding = rounding;
        options.keep_redundant = true;
        options.filters = FilterSet(parse_filters(filters));
        Count listed = 0;
        const Tally rows =
            visit_all(grid_walk(6, options), [&](const Candidate&) { return ++listed > 0; });
        const Tally counted = count_grid(6, options, kTwoThreads);
        CHECK(counted.kept == listed);
        CHECK(counted.invalid == rows.invalid);
      }
    }
  }
}

TEST_CASE("where many divisors tie, the lattice sizes each theta as that theta alone is sized") {
  for (const auto& [d_in, d_out] : {std::pair<Index, Index>{216, 216}, {36, 900}, {4096, 512}}) {
    for (const OrderRule order : {OrderRule::cheaper, OrderRule::a_first, OrderRule::b_first}) {
      SpaceOptions options = at(d_in, d_out);
      options.resolve.order = order;
      options.keep_redundant = true;
      const WidthResolver resolver(d_in, d_out, options.resolve);
      std::size_t visited = 0;
      visit_all(grid_walk(9, options), [&](const Candidate& candidate) {
        if (++visited % 23 != 0) return true;
        CAPTURE(candidate.theta);
        CHECK(resolver(structure_of(candidate.theta))->shape == candidate.shape);
        return true;
      });
      CHECK(visited > 10000);
    }
  }
}

TEST_CASE("the parts of a walk, counted by threads, have as many candidates as the walk") {
  const SpaceOptions options = at(60, 96);
  for (const Walk& walk : {grid_walk(8, options), unique_walk(8, options), divisor_walk(options)}) {
    CHECK(walk.parts > 10);
    CHECK(count_all(walk, kTwoThreads) == visit_all(walk, [](const Candidate&) { return true; }));
  }
}

TEST_CASE("unique keeps one theta for each choice of sizes, and every choice") {
  for (const auto& [d_in, d_out] : {std::pair<Index, Index>{64, 64}, {96, 40}, {30, 128}}) {
    const SpaceOptions options = at(d_in, d_out);
    std::set<SizeKey> all;
    for (const Candidate& candidate : grid(12, options)) all.insert(key_of(candidate));
    std::set<SizeKey> unique;
    std::size_t rows = 0;
    visit_all(unique_walk(12, options), [&](const Candidate& candidate) {
      unique.insert(key_of(candidate));
      ++rows;
      return true;
    });
    CHECK(unique == all);
    CHECK(rows == unique.size());
  }
}

TEST_CASE("divisors: every choice of sizes within the bounds once, and its theta leads back") {
  const SpaceOptions options = at(12, 18);
  std::set<SizeKey> found;
  const auto candidates = collect(divisor_walk(options));
  for (const Candidate& candidate : candidates) {
    CAPTURE(candidate.shape.sizes);
    CHECK(found.insert(key_of(candidate)).second);
    CHECK(candidate.shape.sizes.pad_in() == 12);
    CHECK(candidate.shape.sizes.pad_out() == 18);
    CHECK(resolve(parse_structure(candidate_name(candidate)), 12, 18) == candidate.shape);
  }
  const std::vector<Triple> inputs = DivisorTriples(12).all(), outputs = DivisorTriples(18).all();
  std::size_t expected = 1;  // dense
  for (const Triple& in : inputs) {
    for (const Triple& out : outputs) {
      for (Index rho = 1; rho <= 18 * 12; ++rho) {
        const Sizes s{in[0], in[1], in[2], out[0], out[1], out[2], rho};
        const Sizes x{in[1], in[0], in[2], out[1], out[0], out[2], rho};
        const bool is_useful = rho <= in[0] * out[0] && rho <= in[1] * out[1] &&
                               std::min(multiply_accumulates(s, Order::a_first),
                                        multiply_accumulates(s, Order::b_first)) <= 12 * 18;
        const auto contains = [&](const Sizes& z) {
          return found.count({false,
                              z.n_alpha,
                              z.n_beta,
                              z.n_gamma,
                              z.n_delta,
                              z.n_epsilon,
                              z.n_phi,
                              z.n_rho}) > 0;
        };
        CAPTURE(s);
        CHECK((contains(s) || contains(x)) == is_useful);
        if (contains(s)) ++expected;
        if (!(s == x)) CHECK_FALSE((contains(s) && contains(x)));
      }
    }
  }
  CHECK(found.size() == expected);
}

TEST_CASE("a layer with a single input or output has one integer structure, the dense matrix") {
  for (const auto& [d_in, d_out] : {std::pair<Index, Index>{1, 1}, {6, 1}, {1, 6}}) {
    const SpaceOptions options = at(d_in, d_out);
    const auto candidates = collect(divisor_walk(options));
    REQUIRE(candidates.size() == 1);
    CHECK(candidates[0].shape.is_dense);
  }
}

TEST_CASE("samples: the same seed gives the same theta, another seed others, all canonical") {
  const SpaceOptions options = at(256, 256);
  const auto draw = [&](std::uint64_t seed) { return collect(sample_walk(200, seed, options)); };
  const std::vector<Candidate> first = draw(3);
  CHECK(first.size() == 200);
  CHECK(first == draw(3));
  CHECK_FALSE(first == draw(4));
  for (const Candidate& candidate : first) {
    CHECK_NOTHROW(validate(candidate.theta));
    CHECK(is_canonical(candidate.theta));
    CHECK_FALSE(is_degenerate(candidate.theta));
  }
}

TEST_CASE("samples of the whole space have the moments of a uniform distribution") {
  SpaceOptions options = at(4096, 4096);
  options.keep_redundant = true;
  double alpha = 0, alpha_squared = 0, rho = 0;
  const int count = 20000;
  visit_all(sample_walk(count, 0, options), [&](const Candidate& candidate) {
    alpha += candidate.theta.alpha / count;
    alpha_squared += candidate.theta.alpha * candidate.theta.alpha / count;
    rho += candidate.theta.rho / count;
    return true;
  });
  // On the simplex alpha has mean 1/3 and mean square 1/6; standard errors are below 0.003.
  CHECK(std::abs(alpha - 1.0 / 3) < 0.01);
  CHECK(std::abs(alpha_squared - 1.0 / 6) < 0.01);
  CHECK(std::abs(rho - 0.5) < 0.01);
}

TEST_CASE("a Pareto frontier holds exactly the candidates that nothing dominates") {
  const std::vector<Candidate> all = collect(divisor_walk(at(16, 24)));
  ParetoFrontier frontier(parse_objectives("flops,params,rank"));
  for (const Candidate& candidate : all) frontier.offer(candidate);
  std::vector<Candidate> expected;
  for (const Candidate& c : all) {
    const bool is_dominated = std::any_of(all.begin(), all.end(), [&](const Candidate& other) {
      const LayerShape& a = other.shape;
      const LayerShape& b = c.shape;
      const bool is_no_worse = a.flops <= b.flops && a.params <= b.params && a.rank >= b.rank;
      return is_no_worse && (a.flops < b.flops || a.params < b.params || a.rank > b.rank);
    });
    if (!is_dominated) expected.push_back(c);
  }
  CHECK(expected.size() > 3);
  CHECK(frontier.candidates() == expected);
}

TEST_CASE("at powers of four Monarch grows with its exponent at every step of a ladder") {
  const std::vector<Index> widths = {64, 256, 1024};
  const LadderReport report = Ladder(widths, {1, 1}, {}).report(parse_structure("monarch"));
  CHECK(report.flops.lowest == doctest::Approx(1.5));
  CHECK(report.flops.spread() == doctest::Approx(0));
  CHECK(report.rank.lowest == doctest::Approx(1));
  const std::vector<Index> doubling = {64, 128, 256};
  CHECK(Ladder(doubling, {1, 1}, {}).report(parse_structure("monarch")).flops.spread() > 0.1);
}

TEST_CASE("a suggested ladder is no worse than doubling, and stays in its range") {
  const std::vector<Structure> structures = {parse_structure("monarch"), parse_structure("tt")};
  const std::vector<Rung> rungs = suggest_ladder(structures, {64, 512, 4}, {});
  REQUIRE(rungs.size() == 4);
  std::vector<Index> widths;
  for (const Rung& rung : rungs) {
    CHECK(rung.width >= 64);
    CHECK(rung.width <= 512);
    widths.push_back(rung.width);
  }
  CHECK(std::is_sorted(widths.begin(), widths.end()));
  const std::vector<Index> doubling = {64, 128, 256, 512};
  for (const Structure& structure : structures) {
    CHECK(Ladder(widths, {1, 1}, {}).report(structure).flops.spread() <=
          Ladder(doubling, {1, 1}, {}).report(structure).flops.spread());
  }
}
