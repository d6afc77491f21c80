#include "compute/routes.h"

#include <algorithm>
#include <cassert>

namespace einsearch {
namespace {

template <typename Scalar>
Route<Scalar> route_of(const ExpertColumns<Scalar>& expert, Index sample, Index column) {
  Route<Scalar> route;
  route.sample = sample;
  route.before = expert.before;
  route.stride = expert.stride;
  route.column = column;
  return route;
}

/// Lets the route give lane `from` of the source to lane `to` of the target.
template <typename Scalar>
void take(Route<Scalar>& route, Index from, Index to) {
  route.from[to] = static_cast<std::int32_t>(from);
  route.is_taken[to] = -1;
}

template <typename Scalar>
void find_routes_to_columns(const ExpertColumns<Scalar>& expert,
                            Index lanes,
                            std::vector<Route<Scalar>>& routes) {
  const auto number = [&](Index i) { return static_cast<Index>(expert.sample[i]); };
  const auto vector_of = [&](Index i) { return number(i) / lanes * lanes; };
  for (Index column = 0; column < padded_samples(expert.count); column += lanes) {
    const Index end = std::min(expert.count, column + lanes);
    Index i = column;
    do {  // once even where only padding is left
      const Index from = i < end ? vector_of(i) : 0;
      Route<Scalar>& route = routes.emplace_back(route_of(expert, from, column));
      for (; i < end && vector_of(i) == from; ++i) take(route, number(i) - from, i - column);
      std::copy(expert.weight + column, expert.weight + std::max(column, end), route.weight);
    } while (i < end);
    routes.back().is_last = true;
  }
}

}  // namespace

template <typename Scalar>
Routes<Scalar> find_routes(const std::vector<ExpertColumns<Scalar>>& experts,
                           Index samples,
                           Index lanes) {
  Routes<Scalar> routes;
  for (const ExpertColumns<Scalar>& expert : experts) {
    assert(expert.stride >= padded_samples(expert.count) + kSampleLanes);
    find_routes_to_columns(expert, lanes, routes.to_columns);
  }

  std::vector<Index> next(experts.size());  // column of each expert
  for (Index sample = 0; sample < padded_samples(samples); sample += lanes) {
    const std::size_t before = routes.to_samples.size();
    for (std::size_t e = 0; e < experts.size(); ++e) {
      const ExpertColumns<Scalar>& expert = experts[e];
      const Index column = next[e];
      Index& i = next[e];
      const auto lane = [&] { return static_cast<Index>(expert.sample[i]) - sample; };
      if (i == expert.count || lane() >= lanes) continue;
      Route<Scalar>& route = routes.to_samples.emplace_back(route_of(expert, sample, column));
      for (; i < expert.count && lane() < lanes; ++i) {
        take(route, i - column, lane());
        route.weight[lane()] = expert.weight[i];
      }
    }
    // Where no expert works: a route that brings nothing.
    if (routes.to_samples.size() == before) routes.to_samples.emplace_back().sample = sample;
    routes.to_samples.back().is_last = true;
  }
  return routes;
}

template Routes<float> find_routes(const std::vector<ExpertColumns<float>>&, Index, Index);
template Routes<double> find_routes(const std::vector<ExpertColumns<double>>&, Index, Index);

}  // namespace einsearch
