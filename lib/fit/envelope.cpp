#include "fit/envelope.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace einsearch {
namespace {

constexpr Index kBudgets = 100;
// Ends of a grid are computed by other sums than the points they come from.
constexpr double kLogSlack = 1e-12;

/// The tracks without the runs that count zero times.
TrackSet leave_out(const TrackSet& set, const Resample& resample) {
  TrackSet rest = set;
  rest.tracks.clear();
  for (const Track& track : set.tracks) {
    Track kept{track.width, {}};
    for (const Track::Point& point : track.points) {
      if (resample.times_of(point.run) > 0) kept.points.push_back(point);
    }
    if (!kept.points.empty()) rest.tracks.push_back(std::move(kept));
  }
  return rest;
}

bool is_shared(const Track& track) {
  return std::any_of(track.points.begin(), track.points.end(), [&track](const auto& point) {
    return point.run != track.points.front().run;
  });
}

}  // namespace

Envelope::Envelope(TrackSet tracks) : set_(std::move(tracks)) {
  choose_budgets();
  read_tracks();
}

Envelope::Envelope(TrackSet tracks, std::vector<double> log_budgets, std::vector<double> budgets)
    : set_(std::move(tracks)), log_budgets_(std::move(log_budgets)), budgets_(std::move(budgets)) {
  read_tracks();
}

/// 100 log-spaced budgets over what the tracks cover.
void Envelope::choose_budgets() {
  const Track::Point* first = nullptr;
  const Track::Point* last = nullptr;
  for (const Track& track : set_.tracks) {
    if (track.points.size() < 2) continue;
    const Track::Point& front = track.points.front();
    const Track::Point& back = track.points.back();
    if (first == nullptr || front.log_compute < first->log_compute) first = &front;
    if (last == nullptr || back.log_compute > last->log_compute) last = &back;
  }
  if (first == nullptr) return;
  const double reach = last->log_compute - first->log_compute;
  for (Index i = 0; i < kBudgets; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(kBudgets - 1);
    log_budgets_.push_back(first->log_compute + reach * part);
    // The ends are what was measured, without the rounding of a logarithm and back.
    budgets_.push_back(i == 0              ? first->compute
                       : i == kBudgets - 1 ? last->compute
                                           : std::exp(log_budgets_.back()));
  }
}

/// Every run that has points, once, with its width.
void Envelope::list_competitors() {
  std::set<std::pair<Count, Index>> seen;
  for (const Track& track : set_.tracks) {
    Index last = kNoRun;
    for (const Track::Point& point : track.points) {
      if (point.run == last) continue;
      last = point.run;
      if (seen.insert({track.width, point.run}).second) {
        competitors_.push_back({track.width, point.run});
      }
    }
  }
}

/// Runs and widths that are left after resampling.
void Envelope::count_competitors(const Resample& resample, Frontier& frontier) const {
  std::vector<Count> widths;
  std::vector<Index> runs;
  for (const auto& [width, run] : competitors_) {
    if (resample.times_of(run) == 0) continue;
    widths.push_back(width);
    runs.push_back(run);
  }
  const auto count_distinct = [](auto& values) {
    std::sort(values.begin(), values.end());
    return static_cast<Count>(std::unique(values.begin(), values.end()) - values.begin());
  };
  frontier.n_runs = count_distinct(runs);
  frontier.n_widths = count_distinct(widths);
}

void Envelope::read_tracks() {
  list_competitors();
  for (const Track& track : set_.tracks) {
    has_shared_tracks_ = has_shared_tracks_ || is_shared(track);
    const auto& points = track.points;
    if (points.size() < 2 || log_budgets_.empty()) continue;
    TrackReadings readings{track.width, 0, {}};
    for (std::size_t k = 0; k < log_budgets_.size(); ++k) {
      const double at = log_budgets_[k];
      if (at < points.front().log_compute - kLogSlack) continue;
      if (at > points.back().log_compute + kLogSlack) break;
      auto right = std::lower_bound(
          points.begin(), points.end(), at, [](const Track::Point& point, double value) {
            return point.log_compute < value;
          });
      if (right == points.begin()) ++right;
      if (right == points.end()) --right;
      const auto left = right - 1;
      const double part = (at - left->log_compute) / (right->log_compute - left->log_compute);
      const double log_loss = left->log_loss + part * (right->log_loss - left->log_loss);
      if (readings.at.empty()) readings.first_budget = static_cast<Index>(k);
      readings.at.push_back({log_loss, part, left->run, right->run});
    }
    if (!readings.at.empty()) readings_.push_back(std::move(readings));
  }
}

/// All points as they are, by compute: for tracks too short to interpolate.
Frontier Envelope::read_points(const Resample& resample) const {
  Frontier frontier;
  for (const Track& track : set_.tracks) {
    for (const Track::Point& point : track.points) {
      const double shift = resample.shift_of(point.run);
      const double loss = shift == 0 ? point.loss : point.loss * std::exp(shift);
      for (Count i = 0; i < resample.times_of(point.run); ++i) {
        frontier.points.push_back({point.compute, loss, point.run, track.width});
      }
    }
  }
  std::stable_sort(frontier.points.begin(),
                   frontier.points.end(),
                   [](const auto& a, const auto& b) { return a.compute < b.compute; });
  return frontier;
}

Frontier Envelope::read(const Resample& resample) const {
  const bool leaves_out =
      std::find(resample.times.begin(), resample.times.end(), 0) != resample.times.end();
  if (leaves_out && has_shared_tracks_ && !is_of_points()) {
    const Resample shifted{.shift = resample.shift, .times = {}};
    return Envelope(leave_out(set_, resample), log_budgets_, budgets_).read(shifted);
  }
  if (is_of_points()) {
    Frontier frontier = read_points(resample);
    count_competitors(resample, frontier);
    return frontier;
  }
  Frontier frontier;
  count_competitors(resample, frontier);
  struct Best {
    double log_loss = kInfinity;
    Index run = kNoRun;
    Count width = 0;
  };
  std::vector<Best> best(log_budgets_.size());
  Count smallest = std::numeric_limits<Count>::max();
  Count largest = 0;
  for (const TrackReadings& track : readings_) {
    if (leaves_out && resample.times_of(track.at.front().left) == 0) continue;
    smallest = std::min(smallest, track.width);
    largest = std::max(largest, track.width);
    for (std::size_t i = 0; i < track.at.size(); ++i) {
      const Reading& reading = track.at[i];
      double log_loss = reading.log_loss;
      if (!resample.shift.empty()) {
        const double left = resample.shift_of(reading.left);
        log_loss += left + reading.part * (resample.shift_of(reading.right) - left);
      }
      Best& at = best[static_cast<std::size_t>(track.first_budget) + i];
      if (log_loss < at.log_loss) {
        at = {log_loss, reading.part < 0.5 ? reading.left : reading.right, track.width};
      }
    }
  }
  frontier.n_budgets = kBudgets;
  const bool is_trimmed = frontier.n_widths > 2;
  for (std::size_t k = 0; k < best.size(); ++k) {
    if (best[k].run == kNoRun) continue;  // a gap that no run covers
    if (is_trimmed && best[k].width == smallest) {
      ++frontier.n_dropped_smallest;
    } else if (is_trimmed && best[k].width == largest) {
      ++frontier.n_dropped_largest;
    } else {
      const double loss = std::exp(best[k].log_loss);
      if (!frontier.points.empty() && loss > frontier.points.back().loss) ++frontier.n_rising;
      frontier.points.push_back({budgets_[k], loss, best[k].run, best[k].width});
    }
  }
  return frontier;
}

std::vector<std::vector<double>> Envelope::readings_by_run(std::size_t n_runs) const {
  if (has_shared_tracks_ || is_of_points()) return {};
  std::vector<std::vector<double>> rows(n_runs, std::vector<double>(log_budgets_.size(), kMissing));
  for (const TrackReadings& track : readings_) {
    for (std::size_t i = 0; i < track.at.size(); ++i) {
      rows[static_cast<std::size_t>(track.at[i].left)]
          [static_cast<std::size_t>(track.first_budget) + i] = track.at[i].log_loss;
    }
  }
  return rows;
}

}  // namespace einsearch
