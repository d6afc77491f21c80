#include "fit/frontier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "fit/envelope.h"

namespace einsearch {
namespace {

constexpr double kWarmUpPart = 0.02;

bool is_annealed_end(const CurvePoint& point) { return point.anneal >= 1; }
bool is_at_constant_rate(const CurvePoint& point) { return point.anneal <= 0; }

/// True for points of the first 2 % of steps, at least one step. Curves without steps are judged by
/// compute, which grows with the step.
bool is_warm_up(const Curve& curve, const CurvePoint& point) {
  const CurvePoint& last = curve.points.back();
  if (point.train_flops <= 0) return true;
  if (&point == &last) return false;
  if (last.step == 0) return point.train_flops <= kWarmUpPart * last.train_flops;
  const double steps = std::max(1.0, kWarmUpPart * static_cast<double>(last.step));
  return static_cast<double>(point.step) <= steps;
}

void append(Track& track, const CurvePoint& point, Index run) {
  const double log_compute = std::log(point.train_flops);
  // Two rows may share a rounded compute; a curve to interpolate needs it to grow.
  if (!track.points.empty() && log_compute <= track.points.back().log_compute) return;
  track.points.push_back({log_compute, std::log(point.loss), run, point.train_flops, point.loss});
}

using Configuration = std::tuple<Count, Count, Count, double, std::string, Count, Count, Count>;

/// What annealed end points of one track share: all but the horizon.
Configuration configuration(const Curve& curve) {
  return {curve.width,
          curve.depth,
          curve.batch,
          std::isnan(curve.lr) ? 0 : curve.lr,
          curve.schedule,
          curve.seed_init,
          curve.seed_data,
          curve.seed_task};
}

/// Tracks of annealed end points: those of one configuration, by compute. Points at an equal
/// compute cannot be interpolated, so they open tracks of their own.
std::vector<Track> annealed_tracks(const Runs& runs, double offset) {
  std::map<Configuration, std::vector<std::pair<const CurvePoint*, Index>>> ends;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!is_sound(*runs[i])) continue;
    for (const CurvePoint& point : runs[i]->points) {
      if (!is_annealed_end(point) || point.train_flops <= 0) continue;
      require_loss_above(offset, *runs[i], point);
      ends[configuration(*runs[i])].emplace_back(&point, static_cast<Index>(i));
    }
  }
  std::vector<Track> tracks;
  for (auto& [shared, points] : ends) {
    std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
      return a.first->train_flops < b.first->train_flops;
    });
    const std::size_t first = tracks.size();
    std::vector<double> last_compute;  // per track of this configuration
    for (const auto& [point, run] : points) {
      std::size_t k = 0;
      while (k < last_compute.size() && last_compute[k] >= point->train_flops) ++k;
      if (k == last_compute.size()) {
        tracks.push_back({std::get<0>(shared), {}});
        last_compute.push_back(0);
      }
      append(tracks[first + k], *point, run);
      last_compute[k] = point->train_flops;
    }
  }
  return tracks;
}

std::vector<Track> run_tracks(const Runs& runs, PointKind kind, double offset) {
  std::vector<Track> tracks;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Curve& curve = *runs[i];
    if (!is_sound(curve)) continue;
    Track track{curve.width, {}};
    for (const CurvePoint& point : curve.points) {
      if (!is_of_kind(point, kind) || is_warm_up(curve, point)) continue;
      require_loss_above(offset, curve, point);
      append(track, point, static_cast<Index>(i));
    }
    if (!track.points.empty()) tracks.push_back(std::move(track));
  }
  return tracks;
}

}  // namespace

const char* to_string(PointKind kind) {
  switch (kind) {
    case PointKind::constant_rate:
      return "constant";
    case PointKind::annealed:
      return "annealed";
    case PointKind::mixed:
      break;
  }
  return "mixed";
}

PointKind kind_of_points(const Runs& runs, PointChoice choice) {
  if (choice == PointChoice::all) return PointKind::mixed;
  for (const Curve* curve : runs) {
    if (!is_sound(*curve)) continue;
    for (const CurvePoint& point : curve->points) {
      if (is_annealed_end(point) && point.train_flops > 0) return PointKind::annealed;
    }
  }
  return PointKind::constant_rate;
}

bool is_of_kind(const CurvePoint& point, PointKind kind) {
  switch (kind) {
    case PointKind::constant_rate:
      return is_at_constant_rate(point);
    case PointKind::annealed:
      return is_annealed_end(point);
    case PointKind::mixed:
      break;
  }
  return true;
}

bool is_sound(const Curve& curve) {
  return std::none_of(curve.points.begin(), curve.points.end(), [](const CurvePoint& point) {
    return point.status == RunStatus::diverged || !std::isfinite(point.loss);
  });
}

void require_loss_above(double offset, const Curve& curve, const CurvePoint& point) {
  if (point.loss > offset) return;
  throw Error(offset == 0 ? "loss without a logarithm" : "loss not above the offset",
              {.where = fmt::format("structure {}, run {}", curve.structure, curve.run),
               .expected = fmt::format("a loss above {}", offset),
               .got = fmt::format("{} at {:.6g} FLOPs", point.loss, point.train_flops)});
}

TrackSet select_points(const Runs& runs, PointChoice choice, double offset) {
  TrackSet set;
  set.kind = kind_of_points(runs, choice);
  for (const Curve* curve : runs) {
    if (!is_sound(*curve)) {
      ++set.n_diverged;
      continue;
    }
    for (const CurvePoint& point : curve->points) {
      if (!is_annealed_end(point) && !is_at_constant_rate(point)) ++set.n_inside_decay;
    }
  }
  set.tracks = set.kind == PointKind::annealed ? annealed_tracks(runs, offset)
                                               : run_tracks(runs, set.kind, offset);
  return set;
}

Frontier envelope(const TrackSet& tracks) { return Envelope(tracks).read(); }

}  // namespace einsearch
