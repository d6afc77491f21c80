// Runs that differ in one setting (learning rate or batch) and in nothing else, and what the best
// value of the setting would have gained.
//
// A fan holds the runs of one structure at one scale, of one length (equal training compute), one
// schedule and one target, over several values of the setting, each with the same seeds. Of the
// fans of a scale the one with most values counts, then the longest. A run that diverged is worse
// than any that did not.
//
// The best rate is where the parabola through the best value and its neighbours has its least, in
// log loss against log setting; at an end of the fan it is that end, and nobody knows how far
// beyond it the best would be. What it gains is read at the best value that was run: losses rise
// steeply where training becomes unsteady, and a parabola through such a loss dips too low.
//
// Losses at equal seeds move together, so noise is what is left of log loss after a mean per value
// and a mean per seed; where every fan has one seed, the deviation of seeds among the other runs
// stands for it, which is too large. A structure's own fans say little about its noise, so the
// median structure's counts beside it, with kPriorDegrees degrees of freedom.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "fit/estimate.h"
#include "train/curve.h"

namespace einsearch {

enum class Setting { rate, batch };

struct SettingFan {
  std::string structure;
  Count width = 0;
  double train_flops = 0;        ///< of a run
  double reference = kMissing;   ///< value that the structure's other runs have; one of `value`
  std::vector<double> value;     ///< ascending
  std::vector<double> log_loss;  ///< mean over seeds; infinite: a run diverged
  Count n_seeds = 0;
  double squares = 0;             ///< of residuals about values and seeds
  double degrees_of_freedom = 0;  ///< of them
};

/// What a structure's runs at one width mostly have.
struct UsualSettings {
  double rate = kMissing;
  Count batch = 0;
};

/// True where the curve has them; settings that nobody knows count as usual.
bool has_usual_settings(const Curve& curve, const UsualSettings& usual);

/// One entry per curve. Of values that equally many runs have, the one nearest to what most runs of
/// the structure have, or where those tie, too, to the middle one.
std::vector<UsualSettings> usual_settings(std::span<const Curve> curves);

/// Fans of at least two values, the usual one among them; sorted by structure and width.
std::vector<SettingFan> setting_fans(std::span<const Curve> curves,
                                     const std::vector<UsualSettings>& usual,
                                     Setting setting);

/// A deviation of log loss; nan where unknown.
struct FanNoise {
  double deviation = kMissing;
  double degrees_of_freedom = 0;
};
using NoiseByStructure = std::map<std::string, FanNoise>;

inline constexpr double kPriorDegrees = 4;

/// Deviation at given value and seeds, of every structure that has curves.
NoiseByStructure fan_noise(std::span<const SettingFan> fans,
                           std::span<const Curve> curves,
                           const std::vector<UsualSettings>& usual);

/// Deviation between seeds of final log losses at the usual settings, pooled over the widths and
/// lengths of a structure; structures without two seeds anywhere are left out.
NoiseByStructure seed_noise(std::span<const Curve> curves, const std::vector<UsualSettings>& usual);

struct BestSetting {
  bool is_inside = false;  ///< the best value is not an end of the fan
  Estimate log_value;      ///< logarithm of the best value over the reference
  Estimate gain;           ///< log loss at the reference less that at the best value run
};
BestSetting best_setting(const SettingFan& fan, const FanNoise& noise);

}  // namespace einsearch
