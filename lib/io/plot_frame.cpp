#include "io/plot_frame.h"

#include <algorithm>
#include <cmath>

#include "io/spread_apart.h"

namespace einsearch {
namespace {

constexpr double kHeadroom = 0.04;  // part of the axis beyond the data
constexpr double kRunsAbove = 0.6;  // part of the frontiers' extent in which runs are shown beyond
constexpr double kLabelGap = 16;    // least distance of labels, pixels
constexpr double kNameWidths = 25;  // longer names are cut

}  // namespace

bool is_drawable(const CurvePoint& point) {
  return point.train_flops > 0 && point.loss > 0 && std::isfinite(point.loss);
}

PlotFrame frame_data(const Ranking& ranking, std::span<const Curve> curves) {
  PlotFrame frame;
  for (const RankedStructure& row : ranking.rows) {
    for (const FrontierPoint& point : row.frontier.points) {
      frame.x.include(point.compute);
      frame.y.include(point.loss);
    }
    if (!row.law.is_usable()) continue;
    frame.y.include(row.law.loss(row.law.min_compute));
    frame.y.include(row.law.loss(row.law.max_compute));
    if (ranking.target_compute > row.law.max_compute) {
      frame.x.include(ranking.target_compute);
      frame.y.include(row.law.loss(ranking.target_compute));
    }
  }
  const double highest = frame.y.high * std::pow(frame.y.high / frame.y.low, kRunsAbove);
  const double least = frame.x.low / std::pow(frame.x.high / frame.x.low, kRunsAbove);
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve.points) {
      if (!is_drawable(point) || point.loss > highest || point.train_flops < least) continue;
      frame.x.include(point.train_flops);
      frame.y.include(point.loss);
    }
  }
  frame.x.widen(kHeadroom);
  frame.y.widen(kHeadroom);
  return frame;
}

std::vector<PlotLabel> plot_labels(const Ranking& ranking, const PlotFrame& frame) {
  std::vector<PlotLabel> labels;
  std::vector<double> losses;  // by place
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    const RankedStructure& row = ranking.rows[i];
    losses.push_back(row.predicted_loss.value);
    if (!row.law.is_usable()) continue;
    const double end = std::max(row.law.max_compute, ranking.target_compute);
    labels.push_back(
        {fitting_name(row.structure, kNameWidths), i, frame.place(end, row.law.loss(end)), 0});
  }
  std::stable_sort(labels.begin(), labels.end(), [&losses](const PlotLabel& a, const PlotLabel& b) {
    return losses[a.place] > losses[b.place];
  });
  std::vector<double> wanted;
  for (const PlotLabel& label : labels) wanted.push_back(label.anchor.y);
  const std::vector<double> places = spread_apart(wanted, kLabelGap, frame.top + 4, frame.bottom);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i].y = places[i];
  return labels;
}

}  // namespace einsearch
