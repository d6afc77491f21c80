#include "fit/setting_fan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "fit/frontier.h"
#include "fit/jackknife.h"

namespace einsearch {
namespace {

constexpr double kSameLength = 1.02;  // training compute: batches round the number of steps

using Tally = std::map<double, Count>;

/// The value with most runs; of equals the nearest to `wanted` in logarithm, or without one the
/// middle.
double most_used(const Tally& tally, std::optional<double> wanted) {
  Count most = 0;
  for (const auto& [value, runs] : tally) most = std::max(most, runs);
  std::vector<double> best;
  for (const auto& [value, runs] : tally) {
    if (runs == most) best.push_back(value);
  }
  if (!wanted) return best[(best.size() - 1) / 2];
  return *std::min_element(best.begin(), best.end(), [wanted](double a, double b) {
    return std::abs(std::log(a / *wanted)) < std::abs(std::log(b / *wanted));
  });
}

double setting_of(const Curve& curve, Setting setting) {
  return setting == Setting::rate ? curve.lr : static_cast<double>(curve.batch);
}

/// The usual value of one setting, one entry per curve; nan where curves do not say.
std::vector<double> usual_values(std::span<const Curve> curves, Setting setting) {
  std::map<std::pair<std::string, Count>, Tally> of_scale;
  std::map<std::string, Tally> of_structure;
  for (const Curve& curve : curves) {
    const double value = setting_of(curve, setting);
    if (!(value > 0)) continue;
    ++of_scale[{curve.structure, curve.width}][value];
    ++of_structure[curve.structure][value];
  }
  std::vector<double> values;
  for (const Curve& curve : curves) {
    const auto scale = of_scale.find({curve.structure, curve.width});
    if (scale == of_scale.end()) {
      values.push_back(kMissing);
    } else {
      const double wanted = most_used(of_structure.at(curve.structure), std::nullopt);
      values.push_back(most_used(scale->second, wanted));
    }
  }
  return values;
}

struct Squares {
  double sum = 0, degrees = 0;
  double variance() const { return sum / degrees; }
};

using SeedKey = std::array<Count, 2>;

/// Log loss by value and seeds, of runs of one length.
using FanRuns = std::map<double, std::map<SeedKey, double>>;

/// What the runs of a fan have in common, but for their length.
using FanKey = std::tuple<std::string, Count, Count, std::string, Count>;

double final_log_loss(const Curve& curve) {
  if (!is_sound(curve) || !(curve.points.back().loss > 0)) return kInfinity;
  return std::log(curve.points.back().loss);
}

/// The runs by length; those that diverged, which ended early, belong to every length.
std::vector<std::pair<double, FanRuns>> by_length(std::vector<const Curve*> runs, Setting setting) {
  std::stable_sort(runs.begin(), runs.end(), [](const Curve* a, const Curve* b) {
    return a->points.back().train_flops < b->points.back().train_flops;
  });
  std::vector<std::pair<double, FanRuns>> lengths;
  for (const Curve* run : runs) {
    if (!is_sound(*run)) continue;
    const double flops = run->points.back().train_flops;
    if (lengths.empty() || flops > kSameLength * lengths.back().first)
      lengths.emplace_back(flops, FanRuns());
    lengths.back().second[setting_of(*run, setting)][{run->seed_init, run->seed_data}] =
        final_log_loss(*run);
  }
  for (auto& [flops, fan] : lengths) {
    for (const Curve* run : runs) {
      if (is_sound(*run)) continue;
      fan[setting_of(*run, setting)].try_emplace({run->seed_init, run->seed_data}, kInfinity);
    }
  }
  return lengths;
}

/// Means over the seeds that all values have, and what is left beside them.
std::optional<SettingFan> make_fan(const FanRuns& runs, double reference) {
  const auto at_reference = runs.find(reference);
  if (runs.size() < 2 || at_reference == runs.end()) return std::nullopt;
  std::vector<SeedKey> seeds;
  for (const auto& [seed, loss] : at_reference->second) {
    const bool is_common = std::all_of(
        runs.begin(), runs.end(), [&](const auto& of) { return of.second.contains(seed); });
    if (is_common) seeds.push_back(seed);
  }
  if (seeds.empty()) return std::nullopt;
  SettingFan fan;
  fan.reference = reference;
  fan.n_seeds = static_cast<Count>(seeds.size());
  std::vector<std::vector<double>> sound;  // values x seeds
  for (const auto& [value, of_seed] : runs) {
    std::vector<double>& row = sound.emplace_back();
    for (const SeedKey& seed : seeds) row.push_back(of_seed.at(seed));
    double sum = 0;
    for (const double loss : row) sum += loss;
    fan.value.push_back(value);
    fan.log_loss.push_back(sum / static_cast<double>(row.size()));
    if (!std::isfinite(sum)) sound.pop_back();
  }
  if (sound.size() < 2 || seeds.size() < 2) return fan;
  const auto n_values = static_cast<double>(sound.size());
  const auto n_seeds = static_cast<double>(seeds.size());
  std::vector<double> of_value(sound.size()), of_seed(seeds.size());
  double mean = 0;
  for (std::size_t v = 0; v < sound.size(); ++v) {
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      of_value[v] += sound[v][s] / n_seeds;
      of_seed[s] += sound[v][s] / n_values;
      mean += sound[v][s] / n_values / n_seeds;
    }
  }
  for (std::size_t v = 0; v < sound.size(); ++v) {
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      const double residual = sound[v][s] - of_value[v] - of_seed[s] + mean;
      fan.squares += residual * residual;
    }
  }
  fan.degrees_of_freedom = (n_values - 1) * (n_seeds - 1);
  return fan;
}

/// Where a parabola through three points (x ascending, the middle one lowest) has its least.
double vertex(const std::array<double, 3>& x, const std::array<double, 3>& y) {
  const double left = (y[1] - y[0]) / (x[1] - x[0]), right = (y[2] - y[1]) / (x[2] - x[1]);
  const double curvature = (right - left) / (x[2] - x[0]);
  if (!(curvature > 0)) return x[1];
  const double slope = left + curvature * (x[1] - x[0]);  // at the middle point
  return x[1] - slope / (2 * curvature);
}

}  // namespace

bool has_usual_settings(const Curve& curve, const UsualSettings& usual) {
  return (std::isnan(usual.rate) || curve.lr == usual.rate) &&
         (usual.batch == 0 || curve.batch == usual.batch);
}

std::vector<UsualSettings> usual_settings(std::span<const Curve> curves) {
  const std::vector<double> rates = usual_values(curves, Setting::rate);
  const std::vector<double> batches = usual_values(curves, Setting::batch);
  std::vector<UsualSettings> usual;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    usual.push_back({rates[i], std::isnan(batches[i]) ? 0 : static_cast<Count>(batches[i])});
  }
  return usual;
}

std::vector<SettingFan> setting_fans(std::span<const Curve> curves,
                                     const std::vector<UsualSettings>& usual,
                                     Setting setting) {
  std::map<FanKey, std::vector<const Curve*>> groups;
  std::map<std::pair<std::string, Count>, double> references;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    const bool is_candidate =
        setting == Setting::rate
            ? curve.lr > 0 && (usual[i].batch == 0 || curve.batch == usual[i].batch)
            : curve.batch > 0 && (std::isnan(usual[i].rate) || curve.lr == usual[i].rate);
    if (curve.points.empty() || !is_candidate) continue;
    groups[{curve.structure, curve.width, curve.depth, curve.schedule, curve.seed_task}].push_back(
        &curve);
    references[{curve.structure, curve.width}] =
        setting == Setting::rate ? usual[i].rate : static_cast<double>(usual[i].batch);
  }
  std::map<std::pair<std::string, Count>, SettingFan> best;
  for (const auto& [key, runs] : groups) {
    const std::pair scale(std::get<0>(key), std::get<1>(key));
    for (const auto& [flops, of_length] : by_length(runs, setting)) {
      std::optional<SettingFan> fan = make_fan(of_length, references.at(scale));
      if (!fan) continue;
      fan->structure = scale.first;
      fan->width = scale.second;
      fan->train_flops = flops;
      SettingFan& kept = best[scale];
      const auto worth = [](const SettingFan& of) {
        return std::pair(of.value.size(), of.train_flops);
      };
      if (worth(kept) < worth(*fan)) kept = std::move(*fan);
    }
  }
  std::vector<SettingFan> fans;
  for (auto& [scale, fan] : best) fans.push_back(std::move(fan));
  return fans;
}

NoiseByStructure seed_noise(std::span<const Curve> curves,
                            const std::vector<UsualSettings>& usual) {
  std::map<std::tuple<FanKey, double>, std::vector<double>> cells;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    if (curve.points.empty() || !std::isfinite(final_log_loss(curve))) continue;
    if (!has_usual_settings(curve, usual[i])) continue;
    const FanKey key{curve.structure, curve.width, curve.depth, curve.schedule, curve.seed_task};
    cells[{key, curve.points.back().train_flops}].push_back(final_log_loss(curve));
  }
  std::map<std::string, Squares> squares;
  for (const auto& [key, losses] : cells) {
    if (losses.size() < 2) continue;
    Squares& of_structure = squares[std::get<0>(std::get<0>(key))];
    double mean = 0;
    for (const double loss : losses) mean += loss / static_cast<double>(losses.size());
    for (const double loss : losses) of_structure.sum += (loss - mean) * (loss - mean);
    of_structure.degrees += static_cast<double>(losses.size()) - 1;
  }
  NoiseByStructure noise;
  for (const auto& [name, of] : squares) noise[name] = {std::sqrt(of.variance()), of.degrees};
  return noise;
}

NoiseByStructure fan_noise(std::span<const SettingFan> fans,
                           std::span<const Curve> curves,
                           const std::vector<UsualSettings>& usual) {
  constexpr std::size_t kLeastForPrior = 3;
  std::map<std::string, Squares> squares;
  for (const SettingFan& fan : fans) {
    if (!(fan.degrees_of_freedom > 0)) continue;
    squares[fan.structure].sum += fan.squares;
    squares[fan.structure].degrees += fan.degrees_of_freedom;
  }
  if (squares.empty()) {
    for (const auto& [name, noise] : seed_noise(curves, usual)) {
      squares[name] = {noise.deviation * noise.deviation * noise.degrees_of_freedom,
                       noise.degrees_of_freedom};
    }
  }
  std::vector<double> variances;
  for (const auto& [name, of] : squares) variances.push_back(of.variance());
  std::sort(variances.begin(), variances.end());
  Squares prior;
  if (variances.size() >= kLeastForPrior)
    prior = {kPriorDegrees * variances[(variances.size() - 1) / 2], kPriorDegrees};
  NoiseByStructure noise;
  for (const Curve& curve : curves) {
    const auto [place, is_new] = noise.try_emplace(curve.structure);
    if (!is_new) continue;
    const Squares own = squares[curve.structure];
    const Squares both{own.sum + prior.sum, own.degrees + prior.degrees};
    if (both.degrees > 0) place->second = {std::sqrt(both.variance()), both.degrees};
  }
  return noise;
}

BestSetting best_setting(const SettingFan& fan, const FanNoise& noise) {
  const auto index_of_reference = static_cast<std::size_t>(
      std::find(fan.value.begin(), fan.value.end(), fan.reference) - fan.value.begin());
  const auto lowest = static_cast<std::size_t>(
      std::min_element(fan.log_loss.begin(), fan.log_loss.end()) - fan.log_loss.begin());
  BestSetting best;
  best.is_inside = lowest > 0 && lowest + 1 < fan.value.size();
  const auto x = [&](std::size_t i) { return std::log(fan.value[i] / fan.reference); };
  const double at_reference = fan.log_loss[index_of_reference];
  const double deviation = noise.deviation / std::sqrt(static_cast<double>(fan.n_seeds));
  double least = x(lowest);
  double x_error = kMissing;
  const bool has_parabola = best.is_inside && std::isfinite(fan.log_loss[lowest - 1]) &&
                            std::isfinite(fan.log_loss[lowest + 1]);
  if (has_parabola) {
    const std::array<double, 3> xs = {x(lowest - 1), x(lowest), x(lowest + 1)};
    const std::array<double, 3> ys = {
        fan.log_loss[lowest - 1], fan.log_loss[lowest], fan.log_loss[lowest + 1]};
    least = vertex(xs, ys);
    // The least moves with each of the three losses; they are independent.
    double variance = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      std::array<double, 3> moved = ys;
      const double step = 1e-3 * (ys[0] + ys[2] - 2 * ys[1]) + 1e-12;
      moved[i] += step;
      const double slope = (vertex(xs, moved) - least) / step;
      variance += slope * slope * deviation * deviation;
    }
    x_error = std::sqrt(variance);
  }
  best.log_value = with_student_interval(least, x_error, noise.degrees_of_freedom);
  best.gain = with_student_interval(
      at_reference - fan.log_loss[lowest], deviation * std::sqrt(2.0), noise.degrees_of_freedom);
  return best;
}

}  // namespace einsearch
