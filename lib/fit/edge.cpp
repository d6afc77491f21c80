#include "fit/edge.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace einsearch {
namespace {

constexpr double kLeastReach = 1.05;  // less beyond the frontier says nothing new
constexpr double kAlike = 2;          // factor between reaches of runs that were planned alike
constexpr std::size_t kFewest = 3;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void follow_edges(const std::vector<double>& last_loss,
                  const std::vector<double>& last_compute,
                  std::vector<PowerLaw>& laws) {
  std::vector<std::size_t> members;
  std::vector<double> reaches;
  for (std::size_t s = 0; s < laws.size(); ++s) {
    PowerLaw& law = laws[s];
    law.edge_shift = law.edge_compute = 0;
    if (!law.is_usable() || law.status == FitStatus::few_widths || !(last_loss[s] > 0)) continue;
    const double reach = last_compute[s] / law.max_compute;
    if (!(reach > kLeastReach)) continue;
    members.push_back(s);
    reaches.push_back(reach);
  }
  if (members.empty()) return;
  const double usual = median(reaches);
  std::erase_if(members, [&](std::size_t s) {
    const double reach = last_compute[s] / laws[s].max_compute;
    return reach > kAlike * usual || reach < usual / kAlike;
  });
  if (members.size() < kFewest) return;
  // Beyond its best length a run rises off the law as share (b u)^2 / 2, u = log of the lengths'
  // ratio, which plans have in common; share is the reducible part of the loss.
  std::vector<double> above, rise;
  double mean_above = 0, mean_rise = 0;
  const auto n = static_cast<double>(members.size());
  for (const std::size_t s : members) {
    const double loss = laws[s].loss(last_compute[s]);
    above.push_back(std::log(last_loss[s] / loss));
    rise.push_back((1 - laws[s].offset / loss) * laws[s].exponent * laws[s].exponent);
    mean_above += above.back() / n;
    mean_rise += rise.back() / n;
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    PowerLaw& law = laws[members[i]];
    const double expected = mean_above * (mean_above > 0 ? rise[i] / mean_rise : 1);
    law.edge_shift = above[i] - expected;
    law.edge_compute = last_compute[members[i]];
  }
}

}  // namespace einsearch
