#include "fit/dominance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {
namespace {

/// One criterion, lower is better: the estimate of each row and its deviations in the replicates
/// (empty: exact).
struct Criterion {
  std::vector<double> value;
  std::vector<std::vector<double>> deviation;

  double drawn(std::size_t row, std::size_t replicate) const {
    if (deviation[row].empty()) return value[row];
    return value[row] - deviation[row][replicate];
  }
};

/// Order that a fitted criterion stands for; a multiplier orders as the loss does.
std::optional<RankBy> fitted_order(const std::string& name) {
  if (name == "exponent") return RankBy::exponent;
  if (name == "last-loss") return RankBy::last_loss;
  if (name == "predicted-loss" || name == "multiplier") return RankBy::predicted_loss;
  return std::nullopt;
}

double estimate_of(const RankedStructure& row, const std::string& name, double target) {
  if (name == "params") return row.params > 0 ? static_cast<double>(row.params) : kMissing;
  if (name == "flops") return row.flops;
  if (!row.law.is_usable()) return kMissing;
  if (name == "exponent") return -row.law.exponent;
  if (name == "last-loss") return std::log(row.last_loss);
  return std::log(row.law.loss(target));
}

Criterion make_criterion(const Ranking& ranking, const std::string& name) {
  Criterion criterion;
  const auto order = fitted_order(name);
  for (const RankedStructure& row : ranking.rows) {
    criterion.value.push_back(estimate_of(row, name, ranking.target_compute));
    std::vector<double> deviations;
    const auto place = std::find(ranking.names.begin(), ranking.names.end(), row.structure);
    if (order && place != ranking.names.end()) {
      const auto s = static_cast<std::size_t>(place - ranking.names.begin());
      deviations = deviations_of(ranking.replicates, [&](const FitSample& sample) {
        return score_of(sample, s, *order, ranking.target_compute);
      });
    }
    criterion.deviation.push_back(std::move(deviations));
  }
  return criterion;
}

bool dominates(const std::vector<Criterion>& criteria,
               std::size_t a,
               std::size_t b,
               std::size_t replicate) {
  bool is_better = false;
  for (const Criterion& criterion : criteria) {
    const double of_a = criterion.drawn(a, replicate);
    const double of_b = criterion.drawn(b, replicate);
    if (!(of_a <= of_b)) return false;  // also where either is missing
    is_better = is_better || of_a < of_b;
  }
  return is_better;
}

void require_criteria(const std::vector<std::string>& names) {
  const auto& known = criterion_names();
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw Error("unknown criterion",
                  {.where = "--pareto",
                   .expected = fmt::format("{}", fmt::join(known, ", ")),
                   .got = "\"" + name + "\"",
                   .hint = did_you_mean(name, known)});
    }
    if (std::count(names.begin(), names.end(), name) > 1) {
      throw Error("criterion given twice", {.where = "--pareto", .got = name});
    }
  }
  if (names.size() < 2) {
    throw Error("too few criteria",
                {.where = "--pareto", .expected = "two or more, by commas", .got = "one"});
  }
}

}  // namespace

const std::vector<std::string>& criterion_names() {
  static const std::vector<std::string> names = {
      "predicted-loss", "multiplier", "exponent", "last-loss", "params", "flops"};
  return names;
}

std::vector<double> undominated_probabilities(const Ranking& ranking,
                                              const std::vector<std::string>& names) {
  require_criteria(names);
  std::vector<Criterion> criteria;
  for (const std::string& name : names) criteria.push_back(make_criterion(ranking, name));
  const std::size_t n_replicates = std::max<std::size_t>(1, ranking.replicates.samples.size());
  std::vector<double> probabilities;
  for (std::size_t s = 0; s < ranking.rows.size(); ++s) {
    const bool is_complete = std::all_of(criteria.begin(), criteria.end(), [s](const auto& one) {
      return std::isfinite(one.value[s]);
    });
    double undominated = 0;
    for (std::size_t r = 0; r < n_replicates; ++r) {
      bool is_dominated = false;
      for (std::size_t other = 0; other < ranking.rows.size() && !is_dominated; ++other) {
        is_dominated = other != s && dominates(criteria, other, s, r);
      }
      undominated += is_dominated ? 0 : 1;
    }
    probabilities.push_back(is_complete ? undominated / static_cast<double>(n_replicates)
                                        : kMissing);
  }
  return probabilities;
}

void keep_undominated(Ranking& ranking, const std::vector<std::string>& criteria, double least) {
  const std::vector<double> probabilities = undominated_probabilities(ranking, criteria);
  for (std::size_t s = 0; s < ranking.rows.size(); ++s) {
    ranking.rows[s].p_undominated = probabilities[s];
  }
  std::erase_if(ranking.rows,
                [least](const RankedStructure& row) { return !(row.p_undominated > least); });
}

}  // namespace einsearch
