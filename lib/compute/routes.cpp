#include "compute/routes.h"

#include <algorithm>

namespace einsearch {
namespace {

/// Lets the route give lane `from` of the source to lane `to` of the target.
template <typename Scalar>
void take(Route<Scalar>& route, Index from, Index to, Scalar weight) {
  route.from[to] = static_cast<std::int32_t>(from);
  route.is_taken[to] = -1;
  route.weight[to] = weight;
}

}  // namespace

template <typename Scalar>
Routes<Scalar> find_routes(const Scalar* sample, const Scalar* weight, Index columns, Index lanes) {
  const auto number = [&](Index i) { return static_cast<Index>(sample[i]); };
  const auto vector_of = [&](Index i) { return number(i) / lanes * lanes; };
  Routes<Scalar> routes;
  for (Index column = 0; column < padded_samples(columns); column += lanes) {
    const Index end = std::min(columns, column + lanes);
    Index i = column;
    do {  // once even where only padding is left
      const Index from = i < end ? vector_of(i) : 0;
      Route<Scalar>& route = routes.to_columns.emplace_back();
      route.sample = from;
      route.column = column;
      for (; i < end && vector_of(i) == from; ++i)
        take(route, number(i) - from, i - column, weight[i]);
    } while (i < end);
    routes.to_columns.back().is_last = true;
  }
  for (Index i = 0; i < columns;) {
    Route<Scalar>& route = routes.to_samples.emplace_back();
    route.sample = vector_of(i);
    route.column = i;
    route.is_last = true;
    for (; i < columns && vector_of(i) == route.sample; ++i)
      take(route, i - route.column, number(i) - route.sample, weight[i]);
  }
  return routes;
}

template Routes<float> find_routes(const float*, const float*, Index, Index);
template Routes<double> find_routes(const double*, const double*, Index, Index);

}  // namespace einsearch
