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

/// Mean log losses of dense at both scales and of one structure at the largest.
struct LogLosses {
  double dense_small, dense_large, own;
};

/// log(L - E).
double log_reducible(double log_loss, double offset) {
  return std::log(std::exp(log_loss) - offset);
}

/// (l_dense - l_s) / b.
double gain_of(const LogLosses& losses, double log_ratio, double offset) {
  const double dense = log_reducible(losses.dense_large, offset);
  const double slope = (log_reducible(losses.dense_small, offset) - dense) / log_ratio;
  return (dense - log_reducible(losses.own, offset)) / slope;
}

/// A log multiplier and how it moves with the log losses and with E, each times its own error.
struct Finalist {
  std::size_t row;
  double log_multiplier;
  double of_dense_small, of_dense_large, of_own, of_offset;

  double error() const {
    return std::sqrt(of_dense_small * of_dense_small + of_dense_large * of_dense_large +
                     of_own * of_own + of_offset * of_offset);
  }
};

/// By differences of a thousandth of an error, or what makes one where there is no noise.
Finalist differentiate(std::size_t row,
                       double log_multiplier,
                       const LogLosses& losses,
                       double log_ratio,
                       double error_of_mean,
                       const Estimate& offset) {
  constexpr double kStep = 1e-3;
  const double gain = gain_of(losses, log_ratio, offset.value);
  const auto moved = [&](double small, double large, double own) {
    const double h = kStep * error_of_mean;
    const LogLosses there = {
        losses.dense_small + small * h, losses.dense_large + large * h, losses.own + own * h};
    return (gain_of(there, log_ratio, offset.value) - gain) / kStep;
  };
  const bool has_error = std::isfinite(offset.standard_error) && offset.value > 0;
  const double h = has_error ? kStep * offset.standard_error : 0;
  return {row,
          log_multiplier,
          moved(1, 0, 0),
          moved(0, 1, 0),
          moved(0, 0, 1),
          (gain_of(losses, log_ratio, offset.value - h) - gain) / kStep};
}

/// Draws of all log multipliers about their estimates, in units of the estimated noise.
class ConfirmationDraws {
 public:
  ConfirmationDraws(std::uint64_t seed, Count degrees_of_freedom)
      : stream_(seed, StreamId::confirmation), degrees_(degrees_of_freedom) {}

  /// `rows` standard normal numbers over the deviation that such an experiment would have found,
  /// then one that is not.
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
    for (std::size_t i = 0; i < rows; ++i) values.push_back(scale * stream_.normal(first + i));
    values.push_back(stream_.normal(first + rows));
    return values;
  }

 private:
  RandomStream stream_;
  Count degrees_;
};

void infer_multipliers(Confirmation& result,
                       const std::vector<Finalist>& finalists,
                       std::uint64_t seed) {
  const ConfirmationDraws draws(seed, result.degrees_of_freedom);
  std::vector<std::vector<double>> deviation(finalists.size());
  std::vector<double> errors;
  for (const Finalist& finalist : finalists) errors.push_back(finalist.error());
  std::vector<double> most_above, most_below;
  double dense_is_best = 0;
  std::vector<double> best(finalists.size(), 0), beats(finalists.size(), 0);
  for (std::size_t d = 0; d < kDraws; ++d) {
    const std::vector<double> noise = draws.draw(d, finalists.size() + 2);
    double above = 0, below = 0, least = 0;
    std::size_t winner = finalists.size();
    for (std::size_t i = 0; i < finalists.size(); ++i) {
      const Finalist& own = finalists[i];
      const double moved = own.of_dense_small * noise[0] + own.of_dense_large * noise[1] +
                           own.of_own * noise[i + 2] + own.of_offset * noise.back();
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
    row.multiplier.low = std::exp(value - above * errors[i]);
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

Confirmation confirm(std::span<const ConfirmationRuns> structures,
                     const Estimate& irreducible_loss,
                     std::uint64_t seed) {
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
  // A fresh target may be easier than the selection's: an E close to its losses is no use.
  constexpr double kMostOfLoss = 0.9;
  Estimate offset = irreducible_loss;
  double least = kInfinity;
  for (const Ends* row : large_table) least = std::min(least, std::exp(mean(row->log_loss)));
  if (!(offset.value > 0 && offset.value < kMostOfLoss * least)) offset = {.value = 0};
  result.irreducible_loss = offset.value;
  result.slope = (log_reducible(mean(smaller.front().log_loss), offset.value) -
                  log_reducible(mean(dense.log_loss), offset.value)) /
                 ratio;
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
  result.degrees_of_freedom = residuals.degrees_of_freedom;
  if (residuals.degrees_of_freedom > 0) {
    result.noise = std::sqrt(residuals.squares / static_cast<double>(residuals.degrees_of_freedom));
  }
  // Differences need a step where there is no noise to take it from.
  const double error_of_mean = std::max(
      1e-9,
      std::isfinite(result.noise) ? result.noise / std::sqrt(static_cast<double>(result.n_seeds))
                                  : 0);
  std::vector<Finalist> finalists;
  for (std::size_t s = 1; s < structures.size(); ++s) {
    ConfirmedStructure& row = result.rows[s];
    if (!row.fault.empty()) continue;
    const LogLosses losses = {
        mean(smaller.front().log_loss), mean(dense.log_loss), mean(larger[s].log_loss)};
    const double log_multiplier =
        gain_of(losses, ratio, offset.value) + dense.log_compute - larger[s].log_compute;
    finalists.push_back(differentiate(s, log_multiplier, losses, ratio, error_of_mean, offset));
    row.multiplier.value = std::exp(log_multiplier);
  }
  if (residuals.degrees_of_freedom > 0) infer_multipliers(result, finalists, seed);
  return result;
}

}  // namespace einsearch
