// Is each structure as fairly tuned as the others? Seven checks of the runs that a ranking rests
// on, those at the learning rate and batch that a structure's runs at that width mostly have (the
// rule's rate, factor 1).
//
//   range     At each width with runs at three rates or more: is the best of them inside?
//   drift     Exponent k of best rate ~ width^k, by least squares over those widths. A rule that
//             carries over has 0. At equal compute narrow models train for longer, which wants a
//             lower rate and raises k by some tenths. It passes, too, where no width would regain
//             more than `regained` may: the best of a flat valley is hard to find.
//   regained  Part of the loss that the best of the rates run would save at the widest of them.
//             What tuning gives one structure and not another is an error of the ranking.
//   features  Exponent of the residual stream's root mean square in the width, of the block with
//             the largest, at an equal number of examples: a tenth of what every width sees, when
//             features have moved and no width has learnt all that it can. 0 where initialisation
//             and learning rates are right.
//   collapse  Loss over final loss, as a function of the part of training done, should be one
//             curve for all widths where each trains for its compute-optimal length: root mean
//             square of the log deviations between a tenth and nine tenths, over widths.
//   scatter   Deviation between seeds of final log loss. Training that is not steady has too high
//             a rate, whatever its losses are.
//   batch     Part of the loss that half or double the batch would save at equal compute and rate,
//             at the widest scale that was run so.
//
// Every number has a 95 % interval where seeds allow one. A number within its first limit passes;
// it fails beyond the second where the interval, too, lies beyond the first; else it is weak.
//
// Curves collapse exactly only where every width stops at its compute-optimal length, so `collapse`
// has room.
//
//             passes up to   fails beyond
//   range     all inside, at two widths or more; fails where no width has its best inside and the
//             best gains more than `regained` may
//   drift     0.5            0.8           (rates that are not scaled with width drift by -1)
//   regained  0.02           0.06          (in compute, at an exponent of 0.2: 1.1x, 1.35x)
//   features  0.2            0.4
//   collapse  0.2            0.4
//   scatter   0.1            0.3
//   batch     0.02           0.06
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "fit/setting_fan.h"

namespace einsearch {

/// In order of severity.
enum class Verdict { not_run, pass, weak, fail };
const char* to_string(Verdict verdict);  ///< "not run", "pass", "weak", "fail"

struct TuningLimits {
  double pass, fail;
};
inline constexpr TuningLimits kDriftLimits{0.5, 0.8};
inline constexpr TuningLimits kRegainedLimits{0.02, 0.06};
inline constexpr TuningLimits kFeatureLimits{0.2, 0.4};
inline constexpr TuningLimits kScatterLimits{0.1, 0.3};
inline constexpr TuningLimits kCollapseLimits{0.2, 0.4};

struct TuningCheck {
  Verdict verdict = Verdict::not_run;
  Estimate number;
};

struct StructureTuning {
  std::string structure;
  std::string family;
  Count n_widths = 0;      ///< that the usual runs have
  double rate = kMissing;  ///< the usual one at the largest width
  Count n_fans = 0;        ///< widths with runs at three rates or more
  Count n_inside = 0;      ///< of those, with the best rate inside
  Count fan_width = 0;     ///< the widest of them
  Estimate best_factor;    ///< best rate there over the usual one
  TuningCheck range;       ///< its number: part of fans whose best is inside
  TuningCheck drift, regained, features, collapse, scatter, batch;
  Count batch_width = 0;
  double best_batch = kMissing;       ///< of those run at that width
  Verdict tuning = Verdict::not_run;  ///< the worst; not_run where rates were not run, and no fail
};

struct TuningReport {
  std::vector<StructureTuning> rows;  ///< dense first, then by name
  std::vector<bool> is_usual;         ///< per curve: at its structure's usual rate and batch
  std::vector<SettingFan> rate_fans, batch_fans;
  NoiseByStructure noise;  ///< of fans
};

/// `offset`: irreducible loss that collapse takes off.
TuningReport check_tuning(std::span<const Curve> curves, double offset = 0);

/// What is weak or failed, or was not run, in words: one line for each structure.
std::vector<std::string> tuning_lines(const TuningReport& report);

}  // namespace einsearch
