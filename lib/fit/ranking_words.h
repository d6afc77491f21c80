// What a ranking says in words: verdicts, warnings and notes.
#pragma once

#include <string>
#include <vector>

#include "fit/ranking.h"
#include "fit/structure_fit.h"

namespace einsearch {

/// What the interval of the multiplier says of one structure.
std::string describe_verdict(const RankedStructure& row, const Ranking& ranking);

/// Widths, seeds, decades and status in a few letters: "5w 2s 1.8d C".
std::string evidence(const RankedStructure& row);

/// Warnings about fits and the points under them, one line each.
void warn_of_fits(const std::vector<StructureFit>& groups,
                  const RankingOptions& options,
                  std::vector<std::string>& warnings);

/// 3e12 rather than 3e+12.
std::string flops_text(double flops);

}  // namespace einsearch
