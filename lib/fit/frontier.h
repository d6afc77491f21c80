// The frontier of a structure: the lowest loss reached at each compute by any of its runs.
//
// A frontier is read from points of one kind. A run inside a decaying schedule looks up to twice as
// dear as it is: on public regression runs with a linear decay, a run at 30 / 50 / 70 / 90 % of its
// schedule lies 12.6 / 8.3 / 4.5 / 1.3 % above the law of annealed end points, as if it needed
// 2.19 / 1.69 / 1.34 / 1.09 times the compute. So the points are annealed end points (anneal = 1)
// where a structure has any, else points of runs at a constant rate (anneal = 0).
//
// The envelope: per run, log loss against log compute is interpolated linearly after warm-up (the
// first 2 % of steps, at least one) is dropped; at each of 100 log-spaced budgets the lowest run
// supplies the point. A budget whose best run has the smallest width might be won by a still
// smaller one, and likewise at the largest, so such budgets are dropped; what is left is
// compute-optimal. Cost: O(budgets x runs x log points). Losses are not smoothed here: held-out
// losses of einsearch carry no mini-batch noise.
//
// Annealed end points of one width and seed at several horizons (branches of one trunk) are
// interpolated like a run. Where no width has two points to interpolate, all points themselves are
// the frontier (straight line through end points).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "train/curve.h"

namespace einsearch {

/// Runs of one structure, in a fixed order; borrowed.
using Runs = std::vector<const Curve*>;

inline constexpr Index kNoRun = -1;

enum class PointChoice { comparable, all };  ///< all: also points inside a decay
enum class PointKind { constant_rate, annealed, mixed };
const char* to_string(PointKind kind);

struct FrontierPoint {
  double compute = 0;  ///< training FLOPs
  double loss = 0;
  Index run = kNoRun;  ///< who supplied it, an index into Runs
  Count width = 0;

  bool operator==(const FrontierPoint&) const = default;
};

struct Frontier {
  std::vector<FrontierPoint> points = {};  ///< envelope: by compute
  Count n_budgets = 0;                     ///< budgets tried; 0 when the points are the frontier
  Count n_dropped_smallest = 0;            ///< budgets won by the smallest width
  Count n_dropped_largest = 0;             ///< budgets won by the largest width
  Count n_rising = 0;  ///< points above their cheaper neighbour: runs end too early
  Count n_runs = 0;    ///< runs that competed
  Count n_widths = 0;
};

/// Points that compete as one curve: those of a run, or annealed end points of one configuration.
struct Track {
  struct Point {
    double log_compute;
    double log_loss;
    Index run;
    double compute;
    double loss;
  };
  Count width = 0;
  std::vector<Point> points;  ///< by compute
};

/// What the runs of one structure have to offer, and what was left out.
struct TrackSet {
  std::vector<Track> tracks;
  PointKind kind = PointKind::constant_rate;
  Count n_runs = 0;
  Count n_diverged = 0;      ///< runs left out because they diverged
  Count n_inside_decay = 0;  ///< points inside a decay: left out, or used with PointChoice::all
};

/// How a replicate differs from the data. Both are empty or have an entry per run.
struct Resample {
  std::vector<double> shift = {};  ///< added to the log loss of every point of the run
  std::vector<Count> times = {};   ///< how often the run counts; 0 leaves it out

  double shift_of(Index run) const {
    return shift.empty() ? 0 : shift[static_cast<std::size_t>(run)];
  }
  Count times_of(Index run) const {
    return times.empty() ? 1 : times[static_cast<std::size_t>(run)];
  }
};

/// The kind of points that a frontier of `runs` is read from.
PointKind kind_of_points(const Runs& runs, PointChoice choice);

/// True for a point of that kind.
bool is_of_kind(const CurvePoint& point, PointKind kind);

/// True for a run none of whose points diverged.
bool is_sound(const Curve& curve);

/// Throws Error naming structure and run unless loss > offset.
void require_loss_above(double offset, const Curve& curve, const CurvePoint& point);

/// Chooses points of one kind and drops warm-up. Diverged runs are left out whole. Throws Error
/// where a loss does not exceed `offset`: its logarithm does not exist.
TrackSet select_points(const Runs& runs, PointChoice choice, double offset = 0);

/// The interior envelope; with one or two widths it is not trimmed.
Frontier envelope(const TrackSet& tracks);

}  // namespace einsearch
