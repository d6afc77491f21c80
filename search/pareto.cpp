#include "search/pareto.h"

#include <algorithm>

namespace einsearch {
namespace {

bool is_no_worse(const std::vector<double>& a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
  }
  return true;
}

}  // namespace

ParetoFrontier::ParetoFrontier(std::vector<const NumericColumn*> objectives)
    : objectives_(std::move(objectives)) {}

void ParetoFrontier::offer(const Candidate& candidate) {
  const std::size_t number = offered_++;
  std::vector<double> costs;
  for (const NumericColumn* objective : objectives_) {
    const double value = objective->value(candidate);
    costs.push_back(objective->is_larger_better ? -value : value);
  }
  for (Cell& cell : cells_) {
    if (!is_no_worse(cell.costs, costs)) continue;
    if (cell.costs == costs) cell.entries.push_back({number, candidate});
    return;
  }
  std::erase_if(cells_, [&](const Cell& cell) { return is_no_worse(costs, cell.costs); });
  cells_.push_back({std::move(costs), {{number, candidate}}});
}

std::vector<Candidate> ParetoFrontier::candidates() const {
  std::vector<const Entry*> entries;
  for (const Cell& cell : cells_) {
    for (const Entry& entry : cell.entries) entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) {
    return a->number < b->number;
  });
  std::vector<Candidate> sorted;
  for (const Entry* entry : entries) sorted.push_back(entry->candidate);
  return sorted;
}

std::vector<const NumericColumn*> parse_objectives(std::string_view text) {
  std::vector<const NumericColumn*> objectives;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string_view name = text.substr(begin, end - begin);
    while (name.starts_with(' ')) name.remove_prefix(1);
    objectives.push_back(&find_numeric_column(name));
    begin = end + 1;
  }
  return objectives;
}

}  // namespace einsearch
