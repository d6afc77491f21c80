// The interior envelope of a structure's tracks, readable many times: the bootstrap shifts runs up
// and down and reads it anew.
//
// What a track says at a budget is interpolated once, here; a resample then costs
// O(tracks x budgets) additions.
#pragma once

#include <vector>

#include "fit/frontier.h"

namespace einsearch {

class Envelope {
 public:
  Envelope() = default;
  explicit Envelope(TrackSet tracks);

  const TrackSet& tracks() const { return set_; }
  /// True where the points themselves are the frontier: no track has two points to interpolate.
  bool is_of_points() const { return readings_.empty(); }

  Frontier read(const Resample& resample = {}) const;

  /// Log loss of every run at every budget, run by run; nan outside its range. Only for tracks of
  /// one run each; empty otherwise.
  std::vector<std::vector<double>> readings_by_run(std::size_t n_runs) const;

 private:
  /// log loss at a budget = base + shift[left] + part (shift[right] - shift[left])
  struct Reading {
    double log_loss;
    double part;
    Index left;
    Index right;
  };
  struct TrackReadings {
    Count width;
    Index first_budget;
    std::vector<Reading> at;
  };

  Envelope(TrackSet tracks, std::vector<double> log_budgets, std::vector<double> budgets);
  void choose_budgets();
  void list_competitors();
  void count_competitors(const Resample& resample, Frontier& frontier) const;
  void read_tracks();
  Frontier read_points(const Resample& resample) const;

  struct Competitor {
    Count width;
    Index run;
  };

  TrackSet set_;
  std::vector<Competitor> competitors_;
  bool has_shared_tracks_ = false;  // some track joins points of several runs
  std::vector<double> log_budgets_, budgets_;
  std::vector<TrackReadings> readings_;
};

}  // namespace einsearch
