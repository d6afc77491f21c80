// A ranking that knows how its structures were tuned: runs at other rates and batches than the
// usual ones, which served only to check, do not compete, and structures whose check failed have no
// rank.
#pragma once

#include <span>

#include "fit/ranking.h"
#include "fit/tuning.h"

namespace einsearch {

/// What becomes of structures whose check failed: a row without a rank, or a place in the ranking
/// all the same.
enum class FailedTuning { left_out, ranked };

/// As rank_structures(); `report` must be of the same curves. The baseline is never left out; rows
/// say how each structure's check went, and a warning names those that are left out.
Ranking rank_checked(std::span<const Curve> curves,
                     const TuningReport& report,
                     const RankingOptions& options,
                     FailedTuning failed);

}  // namespace einsearch
