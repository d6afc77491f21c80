#include "search/confirmation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "fit/quantile.h"
#include "search/promotion.h"

namespace einsearch {
namespace {

constexpr std::size_t kDraws = 10000;

/// Log losses and log computes of one structure at one scale, by seed.
struct Ends {
  std::vector<double> log_loss;
  double log_compute = 0;
};

bool read_ends(const std::vector<const Curve*>& runs, Ends& ends) {
  for (const Curve* run : runs) {
    const CurvePoint* end = run == nullptr ? nullptr : sound_end(*run);
    if (end == nullptr) return false;
    ends.log_loss.push_back(std::log(end->loss));
    ends.log_compute = std::log(end->train_flops);
  }
  return !runs.empty();
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

struct Sum {
  double squares = 0;
  Count degrees_of_freedom = 0;
};

/// What is left of (structure, seed) after both means.
void add_residuals(const std::vector<const Ends*>& table, Sum& sum) {
  const std::size_t n_seeds = table.front()->log_loss.size();
  if (n_seeds < 2 || table.size() < 2) return;
  std::vector<double> of_seed(n_seeds, 0);
  double all = 0;
  for (const Ends* row : table) {
    for (std::size_t r = 0; r < n_seeds; ++r)
      of_seed[r] += row->log_loss[r] / static_cast<double>(table.size());
    all += mean(row->log_loss) / static_cast<double>(table.size());
  }
  for (const Ends* row : table) {
    const double own = mean(row->log_loss);
    for (std::size_t r = 0; r < n_seeds; ++r) {
      const double rest = row->log_loss[r] - own - of_seed[r] + all;
      sum.squares += rest * rest;
    }
  }
  sum.degrees_of_freedom += static_cast<Count>((table.size() - 1) * (n_seeds - 1));
}

struct Finalist {
  std::size_t row;
  double log_multiplier;
  double slope_part;  ///< d log m / d log b, up to sign
};

/// Draws of all log multipliers about their estimates, in units of the estimated noise.
class ConfirmationDraws {
 public:
  ConfirmationDraws(std::uint64_t seed, Count degrees_of_freedom)
      : stream_(seed, StreamId::confirmation), degrees_(degrees_of_freedom) {}

  /// Noise of every row's mean (dense first), then of the slope; each over the estimated deviation
  /// that such an experiment would have found.
  std::vector<double> draw(std::size_t number, std::size_t rows) const {
    const std::size_t width = rows + 1 + static_cast<std::size_t>(degrees_);
    const auto first = static_cast<std::uint64_t>(number * width);
    double squares = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(degrees_); ++i) {
      const double x = stream_.normal(first + rows + 1 + i);
      squares += x * x;
    }
    const double scale = std::sqrt(static_cast<double>(degrees_) / squares);
    std::vector<double> values;
    for (std::size_t i = 0; i <= rows; ++i) values.push_back(scale * stream_.normal(first + i));
    return values;
  }

 private:
  RandomStream stream_;
  Count degrees_;
};

void infer_multipliers(Confirmation& result,
                       const std::vector<Finalist>& finalists,
                       double slope_error,
                       std::uint64_t seed) {
  const ConfirmationDraws draws(seed, result.degrees_of_freedom);
  const double per_mean =
      result.noise / std::sqrt(static_cast<double>(result.n_seeds)) / result.slope;
  const double relative_slope = slope_error / result.slope;
  std::vector<std::vector<double>> deviation(finalists.size());
  std::vector<double> errors;
  for (const Finalist& finalist : finalists) {
    errors.push_back(std::hypot(std::sqrt(2.0) * per_mean, finalist.slope_part * relative_slope));
  }
  std::vector<double> most_above, most_below;
  double dense_is_best = 0;
  std::vector<double> best(finalists.size(), 0), beats(finalists.size(), 0);
  for (std::size_t d = 0; d < kDraws; ++d) {
    const std::vector<double> noise = draws.draw(d, finalists.size() + 1);
    double above = 0, below = 0, least = 0;
    std::size_t winner = finalists.size();
    for (std::size_t i = 0; i < finalists.size(); ++i) {
      const double moved = per_mean * (noise[0] - noise[i + 1]) +
                           finalists[i].slope_part * relative_slope * noise.back();
      deviation[i].push_back(moved);
      const double in_errors = errors[i] > 0 ? moved / errors[i] : 0;
      above = std::max(above, in_errors);
      below = std::max(below, -in_errors);
      const double drawn = finalists[i].log_multiplier + moved;
      if (drawn > 0) beats[i] += 1.0 / kDraws;
      if (drawn > least) {
        least = drawn;
        winner = i;
      }
    }
    most_above.push_back(above);
    most_below.push_back(below);
    (winner < finalists.size() ? best[winner] : dense_is_best) += 1.0 / kDraws;
  }
  std::sort(most_above.begin(), most_above.end());
  std::sort(most_below.begin(), most_below.end());
  constexpr double kOneSided = 0.975;
  const double above = quantile_of_sorted(most_above, kOneSided);
  const double below = quantile_of_sorted(most_below, kOneSided);
  for (std::size_t i = 0; i < finalists.size(); ++i) {
    ConfirmedStructure& row = result.rows[finalists[i].row];
    std::vector<double>& sorted = deviation[i];
    std::sort(sorted.begin(), sorted.end());
    const double value = finalists[i].log_multiplier;
    const auto end = [&](double share) {
      return std::exp(value + quantile_of_sorted(sorted, share));
    };
    row.multiplier.low = end(0.025);
    row.multiplier.high = end(0.975);
    row.multiplier.low_80 = end(0.1);
    row.multiplier.high_80 = end(0.9);
    row.multiplier.standard_error = row.multiplier.value * errors[i];
    row.p_best = best[i];
    row.p_beats_dense = beats[i];
    row.surely_beats_dense = value - above * errors[i] > 0;
    row.is_surely_beaten = value + below * errors[i] < 0;
  }
  result.rows.front().p_best = dense_is_best;
}

}  // namespace

Confirmation confirm(std::span<const ConfirmationRuns> structures, std::uint64_t seed) {
  Confirmation result;
  std::vector<Ends> smaller(structures.size()), larger(structures.size());
  std::vector<const Ends*> small_table, large_table;
  for (std::size_t s = 0; s < structures.size(); ++s) {
    ConfirmedStructure& row = result.rows.emplace_back();
    row.name = structures[s].name;
    const bool is_sound =
        read_ends(structures[s].smaller, smaller[s]) && read_ends(structures[s].larger, larger[s]);
    if (!is_sound) {
      row.fault = "a confirmation run diverged or failed";
      continue;
    }
    small_table.push_back(&smaller[s]);
    large_table.push_back(&larger[s]);
    row.loss = std::exp(mean(larger[s].log_loss));
  }
  if (!result.rows.front().fault.empty())
    throw Error("dense has no sound confirmation run", {.hint = "a smaller --lr"});
  const Ends& dense = larger.front();
  const double ratio = dense.log_compute - smaller.front().log_compute;
  result.n_seeds = static_cast<Count>(dense.log_loss.size());
  result.compute = std::exp(dense.log_compute);
  result.slope = (mean(smaller.front().log_loss) - mean(dense.log_loss)) / ratio;
  result.rows.front().multiplier.value = 1;
  if (!(result.slope > 0)) {
    for (ConfirmedStructure& row : result.rows) {
      if (&row != &result.rows.front()) row.fault = "dense's loss does not fall with compute";
    }
    return result;
  }
  Sum residuals;
  add_residuals(small_table, residuals);
  add_residuals(large_table, residuals);
  std::vector<Finalist> finalists;
  for (std::size_t s = 1; s < structures.size(); ++s) {
    ConfirmedStructure& row = result.rows[s];
    if (!row.fault.empty()) continue;
    const double gain = (mean(dense.log_loss) - mean(larger[s].log_loss)) / result.slope;
    finalists.push_back({s, gain + dense.log_compute - larger[s].log_compute, -gain});
    row.multiplier.value = std::exp(finalists.back().log_multiplier);
  }
  result.degrees_of_freedom = residuals.degrees_of_freedom;
  if (residuals.degrees_of_freedom == 0) return result;
  result.noise = std::sqrt(residuals.squares / static_cast<double>(residuals.degrees_of_freedom));
  const double slope_error =
      result.noise * std::sqrt(2 / static_cast<double>(result.n_seeds)) / ratio;
  infer_multipliers(result, finalists, slope_error, seed);
  return result;
}

}  // namespace einsearch
