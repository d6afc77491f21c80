#include "io/plot_frame.h"

#include <algorithm>
#include <array>

#include "io/spread_apart.h"

namespace einsearch {
namespace {

constexpr double kHeadroom = 0.04;  // part of the axis beyond the data
constexpr double kRunsAbove = 0.6;  // part of the frontiers' extent in which runs are shown beyond
constexpr double kLabelGap = 16;    // least distance of labels, pixels

/// After Okabe and Ito's palette, which colour-blind readers tell apart, without its black and
/// yellow, and further hues; each stands out on white and on near-black.
constexpr std::array<const char*, kPlotColours> kColours = {"#1a80bb",
                                                            "#d55e00",
                                                            "#009e73",
                                                            "#cc79a7",
                                                            "#8c6bb1",
                                                            "#e69f00",
                                                            "#56b4e9",
                                                            "#7f7f7f",
                                                            "#66a61e",
                                                            "#b5651d",
                                                            "#e7298a",
                                                            "#1b9e9e"};

void widen(AxisRange& range, double part) {
  const double factor = std::pow(std::max(range.high / range.low, 1.01), part);
  range.low /= factor;
  range.high *= factor;
}

/// Names are cut to what fits beside the axes; the bars and points of theta are half as wide as
/// other characters.
std::string label_text(const RankedStructure& row) {
  constexpr double kMostWidths = 25;
  double width = 0;
  for (std::size_t i = 0; i < row.structure.size(); ++i) {
    const bool is_narrow = std::string_view("|.,:()").find(row.structure[i]) != std::string::npos;
    width += is_narrow ? 0.55 : 1;
    if (width > kMostWidths) return row.structure.substr(0, i > 0 ? i - 1 : 0) + "…";
  }
  return row.structure;
}

}  // namespace

bool is_drawable(const CurvePoint& point) {
  return point.train_flops > 0 && point.loss > 0 && std::isfinite(point.loss);
}

const char* plot_colour(std::size_t place) { return kColours[place % kColours.size()]; }

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
  widen(frame.x, kHeadroom);
  widen(frame.y, kHeadroom);
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
    labels.push_back({label_text(row), i, frame.place(end, row.law.loss(end)), 0});
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
