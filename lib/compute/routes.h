// Where the copies of samples lie that the experts of a mixture work on, and how they get there and
// back. The copies are columns, sorted by expert and in the order of samples within one. Each
// expert's columns are a block of their own; the blocks of all experts lie in one room:
//
//   row f of an expert's block, in a room of F rows:   room + before F + f stride
//
// A kernel copies whole vectors of samples or of columns. A route is what one vector gives to
// another; it is found once for a block of samples, and serves all its rows.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/block.h"

namespace einsearch {

/// The columns of one expert.
template <typename Scalar>
struct ExpertColumns {
  Index before = 0;  ///< columns of the experts before, with their margins
  Index count = 0;
  Index stride = 0;  ///< of a row of this expert's block: at least padded_samples(count) +
                     ///< kSampleLanes, since vectors may start at any column
  const Scalar* sample = nullptr;  ///< that each column is a copy of; they ascend
  const Scalar* weight = nullptr;
  Scalar* slope = nullptr;  ///< weight times the gradient by the weight
};

/// Lane i of the target is lane from[i] of the source where is_taken[i] is -1, and comes from
/// elsewhere where that is 0.
template <typename Scalar>
struct Route {
  Index sample = 0;              ///< the first one of the vector of samples
  Index before = 0, stride = 0;  ///< of the expert, as in ExpertColumns
  Index column = 0;              ///< the first one of the vector of columns, in the expert's block
  bool is_last = false;          ///< of those to its target
  std::int32_t from[kSampleLanes] = {};
  std::int32_t is_taken[kSampleLanes] = {};
  Scalar weight[kSampleLanes] = {};  ///< by lane of the target: of all columns there, or of those
                                     ///< that samples take; zero elsewhere
};

/// All routes between a block of samples and columns. Every vector of either is a target.
template <typename Scalar>
struct Routes {
  std::vector<Route<Scalar>> to_columns;  ///< by expert, then column
  std::vector<Route<Scalar>> to_samples;  ///< by sample, then expert
};

/// Routes between vectors of `lanes` numbers.
template <typename Scalar>
Routes<Scalar> find_routes(const std::vector<ExpertColumns<Scalar>>& experts,
                           Index samples,
                           Index lanes);

/// Rows first_row ... first_row + count - 1 of the blocks of all experts, in a room of `features`
/// rows.
template <typename Scalar>
struct ColumnRows {
  Scalar* room = nullptr;
  Index features = 0;
  Index first_row = 0;
  Index count = 0;

  ColumnRows rows(Index begin, Index size) const {
    return {room, features, first_row + begin, size};
  }
  ColumnRows from(Index begin) const { return rows(begin, count - begin); }

  /// Those of one expert.
  template <typename Other>
  BlockView<Scalar> of(const ExpertColumns<Other>& own) const {
    return {room + own.before * features + first_row * own.stride, count, own.count, own.stride};
  }

  /// Where a route's vector of columns lies in row f.
  template <typename Other>
  Scalar* at(const Route<Other>& route, Index f) const {
    return room + route.before * features + (first_row + f) * route.stride + route.column;
  }

  operator ColumnRows<const Scalar>() const { return {room, features, first_row, count}; }
};

}  // namespace einsearch
