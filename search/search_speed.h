// How many training FLOPs a search gets done in a time on this machine. Measured once; the search
// itself then goes by FLOPs, which are the same everywhere.
#pragma once

#include <functional>

#include "compute/parallel.h"
#include "search/search_scales.h"

namespace einsearch {

struct SearchSpeed {
  double budget_flops = 0;
  double flops_per_s = 0;         ///< of training, all threads, evaluation included
  double time_of_examples_s = 0;  ///< that making the examples takes
};

/// Of one thread, evaluation included, by dense and some of the members at all scales.
double training_flops_per_s(const SearchProtocol& protocol,
                            const std::vector<SpaceMember>& members);

/// The scales of a search depend on its budget in FLOPs and the speed on the scales, so both are
/// found in turn. A tenth of the time is kept back. `protocol` gives the protocol of a budget.
SearchSpeed measure_search(const std::function<SearchProtocol(double budget)>& protocol,
                           const std::vector<SpaceMember>& members,
                           const HalvingOptions& options,
                           double seconds,
                           const Threads& threads);

}  // namespace einsearch
