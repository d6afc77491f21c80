#include "io/frontier_vega.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "fit/law_band.h"
#include "io/log_ticks.h"
#include "io/plot_frame.h"

namespace einsearch {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBandPoints = 41;
constexpr std::size_t kRunPoints = 200;  // of one run at most

Json run_rows(const Ranking& ranking, std::span<const Curve> curves) {
  Json rows = Json::array();
  for (const RankedStructure& structure : ranking.rows) {
    for (const Curve& curve : curves) {
      if (curve.structure != structure.structure) continue;
      const std::size_t stride = 1 + curve.points.size() / kRunPoints;
      for (std::size_t i = 0; i < curve.points.size(); i += stride) {
        const CurvePoint& point = curve.points[i];
        if (!(point.train_flops > 0 && point.loss > 0) || !std::isfinite(point.loss)) continue;
        rows.push_back({{"structure", curve.structure},
                        {"run", curve.run},
                        {"compute", point.train_flops},
                        {"loss", point.loss}});
      }
    }
  }
  return rows;
}

Json frontier_rows(const Ranking& ranking) {
  Json rows = Json::array();
  for (const RankedStructure& structure : ranking.rows) {
    for (const FrontierPoint& point : structure.frontier.points) {
      rows.push_back({{"structure", structure.structure},
                      {"run", structure.runs[static_cast<std::size_t>(point.run)]},
                      {"width", point.width},
                      {"compute", point.compute},
                      {"loss", point.loss}});
    }
  }
  return rows;
}

Json law_rows(const Ranking& ranking) {
  Json rows = Json::array();
  for (const RankedStructure& structure : ranking.rows) {
    for (const BandPoint& point : law_band(ranking, structure, kBandPoints)) {
      Json row = {
          {"structure", structure.structure}, {"compute", point.compute}, {"loss", point.loss}};
      if (std::isfinite(point.low)) {
        row["low"] = point.low;
        row["high"] = point.high;
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

/// Names beside the axes and ends of the laws that they name, in pixels.
Json label_rows(const Ranking& ranking, const PlotFrame& frame) {
  Json rows = Json::array();
  for (const PlotLabel& label : plot_labels(ranking, frame)) {
    rows.push_back({{"structure", ranking.rows[label.place].structure},
                    {"name", label.text},
                    {"from_x", label.anchor.x + 4},
                    {"from_y", label.anchor.y},
                    {"to_x", frame.right + 18},
                    {"to_y", label.y}});
  }
  return rows;
}

Json log_axis(const char* field,
              const std::string& title,
              const PlotRange& range,
              int most_labels) {
  Json ticks = Json::array();
  for (const LogTick& tick : log_ticks(range.low, range.high, most_labels)) {
    if (tick.is_labelled) ticks.push_back(tick.value);
  }
  const char* const text =
      "datum.value < 1e5 && datum.value >= 1e-4 ? format(datum.value, '~g') : "
      "replace(format(datum.value, '~e'), 'e+', 'e')";
  return {
      {"field", field},
      {"type", "quantitative"},
      {"title", title},
      {"scale",
       {{"type", "log"}, {"domain", {range.low, range.high}}, {"zero", false}, {"nice", false}}},
      {"axis", {{"values", std::move(ticks)}, {"labelExpr", text}, {"grid", true}}}};
}

/// A place in pixels.
Json pixels(const char* field) {
  return {{"field", field}, {"type", "quantitative"}, {"scale", nullptr}, {"axis", nullptr}};
}

Json layer(Json rows, Json mark, Json encoding) {
  return {{"data", {{"values", std::move(rows)}}},
          {"mark", std::move(mark)},
          {"encoding", std::move(encoding)}};
}

}  // namespace

std::string frontier_vega_lite(const Ranking& ranking,
                               std::span<const Curve> curves,
                               const PlotOptions& options) {
  PlotFrame frame = frame_data(ranking, curves);
  frame.right = options.width;
  frame.bottom = options.height;
  const Json x = log_axis("compute", options.x_label, frame.x, 9);
  const Json y = log_axis("loss", options.y_label, frame.y, 8);
  const Json band = log_axis("low", options.y_label, frame.y, 8);
  Json order = Json::array(), colours = Json::array();
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    order.push_back(ranking.rows[i].structure);
    colours.push_back(plot_colour(i));
  }
  const Json colour = {{"field", "structure"},
                       {"type", "nominal"},
                       {"scale", {{"domain", order}, {"range", colours}}},
                       {"legend", nullptr}};
  const Json laws = law_rows(ranking);
  const Json labels = label_rows(ranking, frame);
  Json layers = Json::array();
  layers.push_back(layer(run_rows(ranking, curves),
                         {{"type", "line"}, {"opacity", 0.15}, {"strokeWidth", 1}, {"clip", true}},
                         {{"x", x}, {"y", y}, {"color", colour}, {"detail", {{"field", "run"}}}}));
  layers.push_back(layer(laws,
                         {{"type", "area"}, {"opacity", 0.13}, {"clip", true}},
                         {{"x", x}, {"y", band}, {"y2", {{"field", "high"}}}, {"color", colour}}));
  layers.push_back(layer(frontier_rows(ranking),
                         {{"type", "point"}, {"filled", true}, {"size", 16}},
                         {{"x", x},
                          {"y", y},
                          {"color", colour},
                          {"tooltip",
                           Json::array({{{"field", "structure"}},
                                        {{"field", "run"}},
                                        {{"field", "width"}},
                                        {{"field", "compute"}, {"format", ".3g"}},
                                        {{"field", "loss"}, {"format", ".4g"}}})}}));
  layers.push_back(
      layer(laws, {{"type", "line"}, {"strokeWidth", 2}}, {{"x", x}, {"y", y}, {"color", colour}}));
  layers.push_back(layer(labels,
                         {{"type", "rule"}, {"opacity", 0.45}},
                         {{"x", pixels("from_x")},
                          {"y", pixels("from_y")},
                          {"x2", {{"field", "to_x"}}},
                          {"y2", {{"field", "to_y"}}},
                          {"color", colour}}));
  layers.push_back(layer(labels,
                         {{"type", "text"}, {"align", "left"}, {"baseline", "middle"}, {"dx", 4}},
                         {{"x", pixels("to_x")},
                          {"y", pixels("to_y")},
                          {"color", colour},
                          {"text", {{"field", "name"}, {"type", "nominal"}}}}));
  const Json specification = {{"$schema", "https://vega.github.io/schema/vega-lite/v5.json"},
                              {"title", options.title},
                              {"width", options.width},
                              {"height", options.height},
                              {"layer", std::move(layers)}};
  return specification.dump(1) + "\n";
}

}  // namespace einsearch
