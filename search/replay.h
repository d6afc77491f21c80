// What a strategy would have found and cost, told from a sweep that trained everything.
//
// The archive has every structure at the same number of scales and with the same seeds. One seed
// after the other plays the search: the strategy asks for runs, and is given those of the archive.
// The others are the truth: the loss that their runs at the three largest scales predict at the
// target, slopes shrunk; dense's law turns losses into compute. With one seed it is its own truth.
// Dense takes part but is not ranked.
//
// Of several runs of a structure at one scale and seed (branches of a trunk) the longest counts,
// and its compute is what they cost. Only runs at the commonest learning rate count.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "search/halving.h"

namespace einsearch {

struct ReplayArchive {
  std::vector<SearchCandidate> candidates;  ///< dense first; FLOPs are those of the runs
  std::vector<Theta> theta;                 ///< of each candidate; zeros where unknown
  /// Candidate x scale x seed.
  std::vector<std::vector<std::vector<Curve>>> runs;
  std::size_t seeds = 0;
  std::vector<std::string> notes;  ///< what was left out
};

/// Throws Error where dense, three scales or a second structure are missing.
ReplayArchive read_archive(std::span<const Curve> curves);

struct ReplayRow {
  std::string strategy;
  double runs = 0;  ///< all that follow are means over replays
  double cost_share = 0;
  double regret = 0;
  double tau = 0;
  double top_1 = 0;
  double recall = 0;
  std::size_t k = 0;
  std::vector<std::string> chosen;  ///< of each replay
};

/// Strategies as typed after --strategy, and orders that need no training or one scale:
/// single-scale (the largest at which everybody costs no more than halving in all),
/// params-per-flop, omega-psi (less sharing, then a higher rank, then fewer FLOPs).
const std::vector<std::string>& replay_strategies();

std::vector<ReplayRow> replay(const ReplayArchive& archive,
                              const std::vector<std::string>& strategies,
                              const HalvingOptions& options);

}  // namespace einsearch
