#include "search/search_space.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>

#include "base/error.h"
#include "structure/notation.h"
#include "structure/taxonomy.h"

using namespace einsearch;

namespace {

SearchSpace space_of(const SpaceRequest& request) { return make_search_space(request, 64, {}); }

Count removed_in(const SearchSpace& space) {
  Count removed = 0;
  for (const SpaceStep& step : space.steps) removed += step.removed;
  return removed;
}

std::set<std::string> names_of(const std::vector<SpaceMember>& members) {
  std::set<std::string> names;
  for (const SpaceMember& member : members) names.insert(member.structure.name);
  return names;
}

}  // namespace

TEST_CASE("every point of a lattice is a candidate or counted by the step that removed it") {
  for (const char* filters : {"", "omega<=0.5,psi>=1", "nu<0.8,params<=40000"}) {
    SpaceRequest request;
    if (*filters != 0) request.filters = parse_filters(filters);
    const SearchSpace space = space_of(request);
    CHECK(space.points == 1125);
    CHECK(removed_in(space) + static_cast<Count>(space.members.size()) == space.points);
    CHECK(names_of(space.members).size() == space.members.size());
    for (const SpaceMember& member : space.members) {
      CHECK_FALSE(member.structure.is_dense);
      CHECK(taxonomy(member.structure.theta).nu < 1);
    }
  }
}

TEST_CASE("a prior keeps a random tenth of what it removes, the same each time") {
  SpaceRequest request;
  const std::size_t all = space_of(request).members.size();
  request.prior = parse_filters("omega<=0.25,psi>=1");
  const SearchSpace space = space_of(request);
  std::size_t controls = 0, liked = 0;
  for (const SpaceMember& member : space.members) {
    const Taxonomy place = taxonomy(member.structure.theta);
    CHECK(member.is_control == !(place.omega <= 0.25 + 1e-9 && place.psi >= 1 - 1e-9));
    (member.is_control ? controls : liked) += 1;
  }
  const std::size_t disliked = all - liked;
  CHECK(controls == (disliked + 9) / 10);
  CHECK(names_of(space.members) == names_of(space_of(request).members));
  request.seed = 1;
  CHECK(names_of(space.members) != names_of(space_of(request).members));
}

TEST_CASE("a design keeps omega, psi and nu apart and has several theta at equal points") {
  SpaceRequest request;
  request.design = 24;
  const SearchSpace space = space_of(request);
  CHECK(space.members.size() == 24);
  using Place = std::array<double, 3>;
  std::map<Place, int> cells;
  std::set<double> omegas, psis, nus;
  for (const SpaceMember& member : space.members) {
    const Taxonomy place = taxonomy(member.structure.theta);
    ++cells[{place.omega, place.psi, place.nu}];
    omegas.insert(place.omega);
    psis.insert(place.psi);
    nus.insert(place.nu);
  }
  CHECK(omegas.size() >= 3);
  CHECK(psis.size() >= 3);
  CHECK(nus.size() >= 3);
  int shared = 0;
  for (const auto& [place, count] : cells) shared += count > 1 ? 1 : 0;
  CHECK(shared >= 3);
}

TEST_CASE("a space with nothing left says what pruned it") {
  SpaceRequest request;
  request.filters = parse_filters("omega<0");
  CHECK_THROWS_WITH_AS(space_of(request), doctest::Contains("by omega<0"), const Error&);
  request = {};
  request.kind = SpaceRequest::Kind::names;
  request.structures = {parse_structure("dense")};
  CHECK_THROWS_WITH_AS(space_of(request), doctest::Contains("nothing is left"), const Error&);
}
