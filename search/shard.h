// Which part of a plan each of several machines runs.
#pragma once

#include <string_view>
#include <vector>

#include "search/grid.h"

namespace einsearch {

/// Part I of N, counted from 1.
struct Shard {
  Count index = 1;
  Count count = 1;

  bool operator==(const Shard&) const = default;
};

/// "2/8"; throws Error for anything that is not 1 <= I <= N.
Shard parse_shard(std::string_view text);

/// What one worker takes up at a time: one run, or all runs of a trunk.
struct Job {
  std::vector<std::size_t> runs;  ///< of the plan, the shortest first
  double cost = 0;                ///< training FLOPs, a shared way counted once
};

/// The jobs of a plan, the dearest first, equal ones in the order of the plan.
std::vector<Job> jobs_of(const Plan& plan);

/// The jobs of one shard, in order: the dearest job goes to the shard that has least to do, and so
/// on. A function of plan and count alone, so that shards never talk to each other and their union
/// is the whole.
std::vector<Job> jobs_of_shard(const std::vector<Job>& jobs, const Shard& shard);

/// The dearest shard's cost over the mean of all.
double imbalance(const std::vector<Job>& jobs, Count shards);

}  // namespace einsearch
