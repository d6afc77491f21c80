// From curves to structures with their runs, checked: the first step of a ranking.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fit/structure_fit.h"
#include "train/curve.h"

namespace einsearch {

/// Throws Error when the curves are of several tasks.
void require_one_task(std::span<const Curve> curves);

/// Runs by structure, in an order that does not depend on the input's; copies of a run count once
/// and are warned of. Envelopes, frontiers and laws are still empty.
std::vector<StructureFit> group_runs(std::span<const Curve> curves,
                                     std::vector<std::string>& warnings);

/// How many different targets (seed_task) the runs were trained on.
Count count_targets(std::span<const Curve> curves);

}  // namespace einsearch
