// The folder that a search leaves: ranking.csv, decisions.csv, curves.csv and three pictures.
#pragma once

#include <string>

#include "fit/checked_ranking.h"
#include "search_tables.h"

namespace einsearch {

struct SearchResultOptions {
  std::string folder;
  std::string format;  ///< of the table on stdout
  std::string title;   ///< of pictures
  FailedTuning failed = FailedTuning::left_out;
};

/// Writes the folder, prints the confirmed structures to stdout and says in words what happened.
void write_search_results(const SearchLoop& loop,
                          const HalvingState& state,
                          const SearchResultOptions& options);

}  // namespace einsearch
