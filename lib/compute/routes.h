// How samples get to the columns of an expert, which are copies of some of them in their order, and
// back. A kernel copies whole vectors of samples or of columns; a route is what one vector gives to
// another. It is found once for a block of samples and serves all its rows.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/block.h"

namespace einsearch {

/// Lane i of the target is lane from[i] of the source where is_taken[i] is -1, and comes from
/// elsewhere where that is 0.
template <typename Scalar>
struct Route {
  Index sample = 0;      ///< the first one of the vector of samples
  Index column = 0;      ///< the first one of the vector of columns
  bool is_last = false;  ///< of those to its target
  std::int32_t from[kSampleLanes] = {};
  std::int32_t is_taken[kSampleLanes] = {};
  Scalar weight[kSampleLanes] = {};  ///< of the columns, by lane of the target
};

template <typename Scalar>
struct Routes {
  std::vector<Route<Scalar>> to_columns;  ///< by column; every vector of columns is a target
  std::vector<Route<Scalar>> to_samples;  ///< by sample, one to each vector that has columns
};

/// Routes between vectors of `lanes` numbers. Column i is a copy of sample[i] and has the weight
/// weight[i]; samples ascend.
template <typename Scalar>
Routes<Scalar> find_routes(const Scalar* sample, const Scalar* weight, Index columns, Index lanes);

}  // namespace einsearch
