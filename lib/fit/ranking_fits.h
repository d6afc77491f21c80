// What a ranking rests on and no target compute changes: runs by structure, frontiers, laws, noise
// and the laws of all replicates.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/bootstrap.h"
#include "fit/joint_law.h"
#include "fit/noise.h"
#include "fit/ranking_options.h"
#include "fit/rollout.h"
#include "fit/structure_fit.h"
#include "train/curve.h"

namespace einsearch {

struct RankingFits {
  std::vector<StructureFit> groups;  ///< in the order of their names; they borrow the curves
  RankingOptions options;            ///< with the irreducible loss that was chosen
  std::optional<std::size_t> baseline;
  JointFit joint;
  NoiseModel noise;
  Replicates replicates;
  Rollout rollout;                ///< empty where E was given
  std::vector<LeftOut> left_out;  ///< per structure
  Count n_targets = 1;            ///< different seed_task
  std::vector<std::string> warnings;

  bool has_fitted_offset() const {
    return options.method == FrontierMethod::envelope &&
           (options.irreducible == Irreducible::shared || options.irreducible == Irreducible::own);
  }
};

/// Fits all structures in `curves`, which must outlive the result. Throws Error for several tasks
/// in one fit, an unknown baseline, losses not above the offset, and when no structure has two
/// usable points.
RankingFits fit_structures(std::span<const Curve> curves, const RankingOptions& options);

/// The frontier of a structure whose runs are changed so.
Frontier build_frontier(const StructureFit& group,
                        const RankingOptions& options,
                        const Resample& resample);

/// Mean final loss of the sound runs at the largest width.
double last_loss(const StructureFit& group, const Resample& resample);

/// `wanted`, or else the largest compute inside the fitted range of every usable law. Throws Error
/// where no law is usable, and for a target beyond ten times the largest compute unless asked for.
double choose_target(const RankingFits& fits, std::optional<double> wanted);

}  // namespace einsearch
