// The scales of a search: what dense is at each, and the run of any structure there.
//
// A scale is a width of dense and a number of updates. A structure takes part with the width at
// which its model costs as many FLOPs as dense's, and as many updates, so that all runs of a scale
// cost the same and see the same examples.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compute/parallel.h"
#include "search/grid.h"
#include "search/halving.h"
#include "search/search_space.h"

namespace einsearch {

/// Seeds of weights of confirmation runs start here; those of other runs lie below.
inline constexpr Count kConfirmationSeeds = 1000;

struct SearchScale {
  Index dense_width = 0;
  Count steps = 0;

  bool operator==(const SearchScale&) const = default;
};

/// What all runs of a search share.
struct SearchProtocol {
  RunSpec base;  ///< width, steps, structure and seeds are set by what follows
  std::vector<SearchScale> scales;
  std::function<Count(Count steps)> warmup = {};  ///< empty: the base's
  std::string trainer;                            ///< command; empty: einsearch itself
};

/// A structure at all scales.
struct ScaledStructure {
  Structure structure;
  std::vector<RunSpec> runs;
  std::vector<double> flops;  ///< training FLOPs of each run
  std::vector<Count> params;
};

/// Updates of dense at a width by one entry of a horizon.
Count dense_steps(const RunSpec& base, Index width, Horizon::Kind kind, double value);

/// Training FLOPs of dense at a scale.
double dense_train_flops(const RunSpec& base, const SearchScale& scale);

/// Throws Error where a structure has no width that costs as much as dense.
ScaledStructure scale_structure(const SearchProtocol& protocol, const Structure& structure);

/// Those that fit all scales and are not the same program there as one before; says how many were
/// left out for either reason.
struct ScaledSpace {
  std::vector<ScaledStructure> structures;  ///< dense first
  std::vector<bool> is_control;
  Count unmatched = 0, repeated = 0;
};
ScaledSpace scale_space(const SearchProtocol& protocol,
                        const std::vector<SpaceMember>& members,
                        const Threads& threads);

/// What the machine would run at all scales: equal keys, equal programs.
std::vector<Index> program_of(const ScaledStructure& scaled);

SearchCandidate candidate_of(const ScaledStructure& scaled, const std::string& origin);

/// The planned run of a trial. Confirmation runs have seeds of their own, 1,000 and on: of weights,
/// of examples and of the target.
PlannedRun planned_run(const SearchProtocol& protocol,
                       const ScaledStructure& scaled,
                       const Trial& trial);

/// Five widths of a ladder that grows by factors of about sqrt 2: the largest whose search of
/// `structures` candidates stays within the budget and whose dearest run does not exceed the
/// target (0: none). Throws Error where not even the smallest do.
std::vector<SearchScale> choose_scales(const RunSpec& base,
                                       const Horizon& horizon,
                                       Count structures,
                                       const HalvingOptions& options);

}  // namespace einsearch
