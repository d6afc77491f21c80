#include "fit/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "fit/frontier.h"
#include "fit/jackknife.h"
#include "fit/line.h"

namespace einsearch {
namespace {

constexpr std::size_t kLeastRates = 3;
constexpr Count kLeastFans = 2;

using Seeds = std::tuple<Count, Count, Count>;

/// Sound runs of one structure at the usual rate and batch, by width: the longest of each seed, of
/// which branches of the same trunk are copies as far as they go.
using RunsByWidth = std::map<Count, std::map<Seeds, const Curve*>>;

void keep_longest(std::map<Seeds, const Curve*>& runs, const Curve& run) {
  const Curve*& kept = runs[{run.seed_init, run.seed_data, run.seed_task}];
  if (kept == nullptr || kept->points.back().train_flops < run.points.back().train_flops)
    kept = &run;
}

/// The verdict on a number that should be near zero.
TuningCheck judge(const Estimate& number, const TuningLimits& limits) {
  if (std::isnan(number.value)) return {};
  const double size = std::abs(number.value);
  TuningCheck check{.verdict = Verdict::weak, .number = number};
  if (size <= limits.pass) check.verdict = Verdict::pass;
  const double nearest =
      !number.has_interval() ? size : (number.value > 0 ? number.low : -number.high);
  if (size > limits.fail && nearest > limits.pass) check.verdict = Verdict::fail;
  return check;
}

/// 1 - exp(-gain): the part of a loss that a gain in its logarithm saves.
Estimate part_of_loss(const Estimate& gain) {
  const auto part = [](double value) { return -std::expm1(-std::max(value, 0.0)); };
  Estimate result{.value = part(gain.value)};
  result.standard_error = gain.standard_error;
  if (!gain.has_interval()) return result;
  result.low = part(gain.low);
  result.high = part(gain.high);
  result.low_80 = part(gain.low_80);
  result.high_80 = part(gain.high_80);
  return result;
}

Estimate exp_of(const Estimate& log_value) {
  return {.value = std::exp(log_value.value),
          .standard_error = std::exp(log_value.value) * log_value.standard_error,
          .low = std::exp(log_value.low),
          .high = std::exp(log_value.high),
          .low_80 = std::exp(log_value.low_80),
          .high_80 = std::exp(log_value.high_80)};
}

/// Slope of y in x with errors known for each y, or without them from the scatter about the line.
Estimate slope_of(const std::vector<double>& x,
                  const std::vector<double>& y,
                  const std::vector<double>& y_error,
                  double degrees_of_freedom) {
  const LineFit line = fit_line(x, y);
  const bool has_errors = std::all_of(
      y_error.begin(), y_error.end(), [](double error) { return std::isfinite(error); });
  if (y_error.empty() || !has_errors)
    return with_student_interval(line.slope, line.slope_stderr, static_cast<double>(x.size()) - 2);
  double mean = 0, sxx = 0, variance = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  for (const double value : x) sxx += (value - mean) * (value - mean);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = (x[i] - mean) / sxx;
    variance += weight * weight * y_error[i] * y_error[i];
  }
  return with_student_interval(line.slope, std::sqrt(variance), degrees_of_freedom);
}

void check_rates(StructureTuning& row, const TuningReport& report) {
  const FanNoise& noise = report.noise.at(row.structure);
  std::vector<double> log_width, log_best, error;
  Estimate gain;
  double most_regained = 0;
  for (const SettingFan& fan : report.rate_fans) {
    if (fan.structure != row.structure || fan.value.size() < kLeastRates) continue;
    const BestSetting best = best_setting(fan, noise);
    ++row.n_fans;
    row.n_inside += best.is_inside ? 1 : 0;
    row.fan_width = fan.width;
    row.best_factor = exp_of(best.log_value);
    gain = best.gain;
    most_regained = std::max(most_regained, part_of_loss(gain).value);
    log_width.push_back(std::log(static_cast<double>(fan.width)));
    log_best.push_back(best.log_value.value + std::log(fan.reference));
    error.push_back(best.log_value.standard_error);
  }
  if (row.n_fans == 0) return;
  row.regained = judge(part_of_loss(gain), kRegainedLimits);
  row.range.number.value = static_cast<double>(row.n_inside) / static_cast<double>(row.n_fans);
  row.range.verdict = Verdict::weak;
  if (row.n_inside == row.n_fans && row.n_fans >= kLeastFans) row.range.verdict = Verdict::pass;
  if (row.n_inside == 0 && row.regained.verdict == Verdict::fail) row.range.verdict = Verdict::fail;
  if (row.n_fans < kLeastFans || row.n_inside < row.n_fans) return;
  row.drift = judge(slope_of(log_width, log_best, error, noise.degrees_of_freedom), kDriftLimits);
  if (most_regained <= kRegainedLimits.pass) row.drift.verdict = Verdict::pass;
}

void check_batches(StructureTuning& row, const TuningReport& report) {
  const FanNoise& noise = report.noise.at(row.structure);
  for (const SettingFan& fan : report.batch_fans) {
    if (fan.structure != row.structure || fan.value.size() < kLeastRates) continue;
    const auto lowest = static_cast<std::size_t>(
        std::min_element(fan.log_loss.begin(), fan.log_loss.end()) - fan.log_loss.begin());
    row.batch_width = fan.width;
    row.best_batch = fan.value[lowest];
    row.batch = judge(part_of_loss(best_setting(fan, noise).gain), kRegainedLimits);
  }
}

/// The last point with at most so many examples.
const CurvePoint* point_at(const Curve& curve, Count examples) {
  const CurvePoint* last = nullptr;
  for (const CurvePoint& point : curve.points) {
    if (point.examples <= examples) last = &point;
  }
  return last;
}

void check_features(StructureTuning& row, const RunsByWidth& runs) {
  Count examples = std::numeric_limits<Count>::max();
  std::size_t blocks = std::numeric_limits<std::size_t>::max();
  for (const auto& [width, of_width] : runs) {
    Count longest = 0;
    for (const auto& [seeds, run] : of_width)
      longest = std::max(longest, run->points.back().examples);
    examples = std::min(examples, longest);
  }
  constexpr Count kEarly = 10;
  std::vector<double> log_width;
  std::vector<const CurvePoint*> points;
  for (const auto& [width, of_width] : runs) {
    for (const auto& [seeds, run] : of_width) {
      const CurvePoint* point = point_at(*run, examples / kEarly);
      if (point == nullptr) continue;
      log_width.push_back(std::log(static_cast<double>(width)));
      points.push_back(point);
      blocks = std::min(blocks, point->block_rms.size());
    }
  }
  if (runs.size() < 3 || points.empty() || blocks == 0) return;
  for (std::size_t block = 0; block < blocks; ++block) {
    std::vector<double> log_rms;
    for (const CurvePoint* point : points) log_rms.push_back(std::log(point->block_rms[block]));
    const Estimate slope = slope_of(log_width, log_rms, {}, 0);
    if (!std::isfinite(slope.value)) continue;
    const Estimate& kept = row.features.number;
    if (std::isnan(kept.value) || std::abs(slope.value) > std::abs(kept.value))
      row.features = judge(slope, kFeatureLimits);
  }
}

/// Log of (loss - offset) at parts of the training, over that at its end; empty where a run is too
/// short. Only points before any decay count.
constexpr int kParts = 17;
std::vector<double> normalised(const Curve& curve, double offset) {
  std::vector<std::pair<double, double>> points;  // log compute, log loss
  for (const CurvePoint& point : curve.points) {
    if (point.train_flops > 0 && point.anneal == 0 && point.loss > offset)
      points.emplace_back(std::log(point.train_flops), std::log(point.loss - offset));
  }
  std::vector<double> values;
  if (points.size() < 3) return values;
  const auto [end, last] = points.back();
  std::size_t i = 1;
  for (int part = 0; part < kParts; ++part) {
    const double at = end + std::log(0.1 + 0.8 * part / (kParts - 1));
    if (at < points.front().first) return {};
    while (points[i].first < at) ++i;
    const auto& [x0, y0] = points[i - 1];
    const auto& [x1, y1] = points[i];
    values.push_back(y0 + (y1 - y0) * (at - x0) / (x1 - x0) - last);
  }
  return values;
}

/// Root mean square deviation between widths, of one seed's curves.
double spread(const std::vector<std::vector<double>>& curves) {
  double squares = 0;
  const auto n = static_cast<double>(curves.size());
  for (std::size_t part = 0; part < kParts; ++part) {
    double mean = 0;
    for (const auto& curve : curves) mean += curve[part] / n;
    for (const auto& curve : curves)
      squares += (curve[part] - mean) * (curve[part] - mean) / (n - 1);
  }
  return std::sqrt(squares / kParts);
}

/// The spread of the curves of each seed that all widths have.
std::vector<double> spreads_by_seed(const RunsByWidth& runs, double offset) {
  std::map<Seeds, std::vector<std::vector<double>>> by_seed;
  for (const auto& [width, of_width] : runs) {
    for (const auto& [seeds, run] : of_width) {
      std::vector<double> curve = normalised(*run, offset);
      if (!curve.empty()) by_seed[seeds].push_back(std::move(curve));
    }
  }
  std::vector<double> spreads;
  for (const auto& [seed, curves] : by_seed) {
    if (curves.size() >= 3 && curves.size() == runs.size()) spreads.push_back(spread(curves));
  }
  return spreads;
}

/// Means over seeds; how seeds scatter is pooled over structures, which have few seeds each.
void check_collapse(std::vector<StructureTuning>& rows,
                    const std::map<std::string, RunsByWidth>& runs,
                    double offset) {
  std::vector<std::vector<double>> spreads;
  std::vector<double> means;
  double squares = 0, degrees = 0;
  for (const StructureTuning& row : rows) {
    const std::vector<double>& of_row =
        spreads.emplace_back(spreads_by_seed(runs.at(row.structure), offset));
    double mean = 0;
    for (const double value : of_row) mean += value / static_cast<double>(of_row.size());
    for (const double value : of_row) squares += (value - mean) * (value - mean);
    if (!of_row.empty()) degrees += static_cast<double>(of_row.size()) - 1;
    means.push_back(mean);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (spreads[i].empty()) continue;
    const double error = degrees > 0
                             ? std::sqrt(squares / degrees / static_cast<double>(spreads[i].size()))
                             : kMissing;
    Estimate number = with_student_interval(means[i], error, degrees);
    if (number.has_interval()) number.low = std::max(number.low, 0.0);
    rows[i].collapse = judge(number, kCollapseLimits);
  }
}

/// The interval is that of the logarithm of a deviation, whose error is 1 / sqrt(2 degrees).
void check_scatter(StructureTuning& row, const NoiseByStructure& seeds) {
  constexpr double kNormal95 = 1.959964, kNormal80 = 1.281552;
  const auto found = seeds.find(row.structure);
  if (found == seeds.end()) return;
  const auto& [deviation, degrees] = found->second;
  const double error = 1 / std::sqrt(2 * degrees);
  row.scatter = judge({.value = deviation,
                       .standard_error = deviation * error,
                       .low = deviation * std::exp(-kNormal95 * error),
                       .high = deviation * std::exp(kNormal95 * error),
                       .low_80 = deviation * std::exp(-kNormal80 * error),
                       .high_80 = deviation * std::exp(kNormal80 * error)},
                      kScatterLimits);
}

Verdict worst_of(const StructureTuning& row) {
  Verdict worst = Verdict::not_run;
  for (const TuningCheck* check : {&row.range,
                                   &row.drift,
                                   &row.regained,
                                   &row.features,
                                   &row.collapse,
                                   &row.scatter,
                                   &row.batch})
    worst = std::max(worst, check->verdict);
  const bool is_silent = row.range.verdict == Verdict::not_run && worst != Verdict::fail;
  return is_silent ? Verdict::not_run : worst;
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::not_run:
      return "not run";
    case Verdict::pass:
      return "pass";
    case Verdict::weak:
      return "weak";
    case Verdict::fail:
      return "fail";
  }
  return "";
}

TuningReport check_tuning(std::span<const Curve> curves, double offset) {
  TuningReport report;
  const std::vector<UsualSettings> usual = usual_settings(curves);
  report.rate_fans = setting_fans(curves, usual, Setting::rate);
  report.batch_fans = setting_fans(curves, usual, Setting::batch);
  report.noise = fan_noise(report.rate_fans, curves, usual);
  const NoiseByStructure seeds = seed_noise(curves, usual);

  std::map<std::string, RunsByWidth> runs;
  std::map<std::string, StructureTuning> rows;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    const bool is_usual = has_usual_settings(curve, usual[i]);
    report.is_usual.push_back(is_usual);
    if (curve.points.empty()) continue;
    StructureTuning& row = rows[curve.structure];
    row.structure = curve.structure;
    row.family = curve.family;
    RunsByWidth& of_structure = runs[curve.structure];
    if (!is_usual) continue;
    if (of_structure.empty() || curve.width >= of_structure.rbegin()->first)
      row.rate = usual[i].rate;
    std::map<Seeds, const Curve*>& of_width = of_structure[curve.width];
    if (is_sound(curve)) keep_longest(of_width, curve);
  }
  for (auto& [name, row] : rows) {
    RunsByWidth& of_structure = runs.at(name);
    row.n_widths = static_cast<Count>(of_structure.size());
    std::erase_if(of_structure, [](const auto& of_width) { return of_width.second.empty(); });
    check_rates(row, report);
    check_features(row, of_structure);
    check_batches(row, report);
    check_scatter(row, seeds);
    report.rows.push_back(row);
  }
  check_collapse(report.rows, runs, offset);
  for (StructureTuning& row : report.rows) row.tuning = worst_of(row);
  std::stable_partition(report.rows.begin(), report.rows.end(), [](const StructureTuning& row) {
    return row.structure == "dense";
  });
  return report;
}

std::vector<std::string> tuning_lines(const TuningReport& report) {
  const auto with_interval = [](const Estimate& e) {
    return e.has_interval() ? fmt::format("{:.3g} [{:.3g}, {:.3g}]", e.value, e.low, e.high)
                            : fmt::format("{:.3g}", e.value);
  };
  const auto percent = [](const Estimate& e) {
    return e.has_interval()
               ? fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100 * e.value, 100 * e.low, 100 * e.high)
               : fmt::format("{:.1f} %", 100 * e.value);
  };
  const auto is_bad = [](const TuningCheck& check) { return check.verdict >= Verdict::weak; };
  std::vector<std::string> lines;
  for (const StructureTuning& row : report.rows) {
    std::vector<std::string> parts;
    const auto add = [&parts](const TuningCheck& check, const std::string& what) {
      parts.push_back(fmt::format("{} ({})", what, to_string(check.verdict)));
    };
    if (is_bad(row.range)) {
      add(row.range,
          row.n_inside == row.n_fans
              ? "rates at one width only"
              : fmt::format("best rate at an end of the rates at {} of {} widths",
                            row.n_fans - row.n_inside,
                            row.n_fans));
    }
    if (is_bad(row.drift)) add(row.drift, "best rate ~ width^" + with_interval(row.drift.number));
    if (is_bad(row.regained)) {
      add(row.regained,
          fmt::format("{:.3g} times the rate saves {} of the loss at width {}",
                      row.best_factor.value,
                      percent(row.regained.number),
                      row.fan_width));
    }
    if (is_bad(row.features))
      add(row.features, "features ~ width^" + with_interval(row.features.number));
    if (is_bad(row.collapse))
      add(row.collapse, "normalised curves differ by " + percent(row.collapse.number));
    if (is_bad(row.scatter))
      add(row.scatter, "seeds' log losses deviate by " + with_interval(row.scatter.number));
    if (is_bad(row.batch)) {
      add(row.batch,
          fmt::format("batch {:g} saves {} of the loss at width {}",
                      row.best_batch,
                      percent(row.batch.number),
                      row.batch_width));
    }
    if (parts.empty()) continue;
    std::string line = row.structure + ": ";
    for (const std::string& part : parts) line += (&part == &parts.front() ? "" : "; ") + part;
    lines.push_back(line);
  }
  return lines;
}

}  // namespace einsearch
