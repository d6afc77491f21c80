#include "fit/frontier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"

namespace einsearch {
namespace {

constexpr Count kBudgets = 100;
constexpr double kWarmUpPart = 0.02;
// Ends of a grid are computed by other sums than the points they come from.
constexpr double kLogSlack = 1e-12;

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

void append(Track& track, const CurvePoint& point, double offset, Index run) {
  const double log_compute = std::log(point.train_flops);
  // Two rows may share a rounded compute; a curve to interpolate needs it to grow.
  if (!track.points.empty() && log_compute <= track.points.back().log_compute) return;
  track.points.push_back(
      {log_compute, std::log(point.loss - offset), run, point.train_flops, point.loss});
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
      append(tracks[first + k], *point, offset, run);
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
      append(track, point, offset, static_cast<Index>(i));
    }
    if (!track.points.empty()) tracks.push_back(std::move(track));
  }
  return tracks;
}

/// Log loss of a track at a budget, and the run of the nearer point; nothing outside its range.
struct Reading {
  double log_loss = std::numeric_limits<double>::infinity();
  Index run = kNoRun;
};

Reading read_track(const Track& track, double log_compute) {
  const auto& points = track.points;
  if (points.size() < 2) return {};
  if (log_compute < points.front().log_compute - kLogSlack) return {};
  if (log_compute > points.back().log_compute + kLogSlack) return {};
  auto right = std::lower_bound(
      points.begin(), points.end(), log_compute, [](const Track::Point& point, double value) {
        return point.log_compute < value;
      });
  if (right == points.begin()) ++right;
  if (right == points.end()) --right;
  const auto left = right - 1;
  const double part = (log_compute - left->log_compute) / (right->log_compute - left->log_compute);
  return {left->log_loss + part * (right->log_loss - left->log_loss),
          part < 0.5 ? left->run : right->run};
}

/// The tracks without the points of one run.
std::vector<Track> leave_out(const std::vector<Track>& tracks, Index without) {
  std::vector<Track> rest;
  for (const Track& track : tracks) {
    Track kept{track.width, {}};
    for (const Track::Point& point : track.points) {
      if (point.run != without) kept.points.push_back(point);
    }
    if (!kept.points.empty()) rest.push_back(std::move(kept));
  }
  return rest;
}

/// All points as they are, by compute: for tracks too short to interpolate.
void take_points(const std::vector<Track>& tracks, Frontier& frontier) {
  for (const Track& track : tracks) {
    for (const Track::Point& point : track.points) {
      frontier.points.push_back({point.compute, point.loss, point.run, track.width});
    }
  }
  std::stable_sort(frontier.points.begin(),
                   frontier.points.end(),
                   [](const auto& a, const auto& b) { return a.compute < b.compute; });
}

void take_envelope(const std::vector<Track>& tracks,
                   const std::set<Count>& widths,
                   double offset,
                   Frontier& frontier) {
  const Track::Point* first = nullptr;
  const Track::Point* last = nullptr;
  for (const Track& track : tracks) {
    if (track.points.size() < 2) continue;
    const Track::Point& front = track.points.front();
    const Track::Point& back = track.points.back();
    if (first == nullptr || front.log_compute < first->log_compute) first = &front;
    if (last == nullptr || back.log_compute > last->log_compute) last = &back;
  }
  assert(first != nullptr && last != nullptr);
  const double low = first->log_compute;
  const double high = last->log_compute;
  frontier.n_budgets = kBudgets;
  const bool is_trimmed = widths.size() > 2;
  for (Count i = 0; i < kBudgets; ++i) {
    const double log_compute =
        low + (high - low) * static_cast<double>(i) / static_cast<double>(kBudgets - 1);
    Reading best;
    Count width = 0;
    for (const Track& track : tracks) {
      const Reading reading = read_track(track, log_compute);
      if (reading.log_loss < best.log_loss) {
        best = reading;
        width = track.width;
      }
    }
    if (best.run == kNoRun) continue;  // a gap that no run covers
    if (is_trimmed && width == *widths.begin()) {
      ++frontier.n_dropped_smallest;
    } else if (is_trimmed && width == *widths.rbegin()) {
      ++frontier.n_dropped_largest;
    } else {
      const double loss = offset + std::exp(best.log_loss);
      if (!frontier.points.empty() && loss > frontier.points.back().loss) ++frontier.n_rising;
      // The ends are what was measured, without the rounding of a logarithm and back.
      const double compute = i == 0              ? first->compute
                             : i == kBudgets - 1 ? last->compute
                                                 : std::exp(log_compute);
      frontier.points.push_back({compute, loss, best.run, width});
    }
  }
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

Count count_widths(const Runs& runs) {
  std::set<Count> widths;
  for (const Curve* curve : runs) widths.insert(curve->width);
  return static_cast<Count>(widths.size());
}

TrackSet select_points(const Runs& runs, PointChoice choice, double offset) {
  TrackSet set;
  set.kind = kind_of_points(runs, choice);
  set.offset = offset;
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

Frontier envelope(const TrackSet& set, Index without) {
  const bool is_whole = without == kNoRun;
  const std::vector<Track> rest = is_whole ? std::vector<Track>() : leave_out(set.tracks, without);
  const std::vector<Track>& tracks = is_whole ? set.tracks : rest;

  Frontier frontier;
  std::set<Count> widths;
  std::set<Index> runs;
  bool can_interpolate = false;
  for (const Track& track : tracks) {
    widths.insert(track.width);
    for (const Track::Point& point : track.points) runs.insert(point.run);
    can_interpolate = can_interpolate || track.points.size() > 1;
  }
  frontier.n_runs = static_cast<Count>(runs.size());
  frontier.n_widths = static_cast<Count>(widths.size());
  can_interpolate ? take_envelope(tracks, widths, set.offset, frontier)
                  : take_points(tracks, frontier);
  return frontier;
}

}  // namespace einsearch
