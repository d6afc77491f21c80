#include "io/frontier_vega.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "fit/law_band.h"

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

/// Laws; the last point of each carries the name.
Json law_rows(const Ranking& ranking) {
  Json rows = Json::array();
  for (const RankedStructure& structure : ranking.rows) {
    const std::vector<BandPoint> band = law_band(ranking, structure, kBandPoints);
    for (std::size_t i = 0; i < band.size(); ++i) {
      Json row = {
          {"structure", structure.structure}, {"compute", band[i].compute}, {"loss", band[i].loss}};
      if (std::isfinite(band[i].low)) {
        row["low"] = band[i].low;
        row["high"] = band[i].high;
      }
      if (i + 1 == band.size()) row["name"] = structure.structure;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Json log_axis(const char* field, const std::string& title) {
  return {{"field", field},
          {"type", "quantitative"},
          {"title", title},
          {"scale", {{"type", "log"}, {"zero", false}, {"nice", false}}},
          {"axis", {{"format", "~g"}, {"grid", true}}}};
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
  const Json x = log_axis("compute", options.x_label);
  const Json y = log_axis("loss", options.y_label);
  Json order = Json::array();
  for (const RankedStructure& row : ranking.rows) order.push_back(row.structure);
  const Json colour = {
      {"field", "structure"}, {"type", "nominal"}, {"sort", order}, {"legend", nullptr}};
  Json band = log_axis("low", options.y_label);
  const Json laws = law_rows(ranking);
  Json layers = Json::array();
  layers.push_back(layer(run_rows(ranking, curves),
                         {{"type", "line"}, {"opacity", 0.25}, {"strokeWidth", 1}, {"clip", true}},
                         {{"x", x}, {"y", y}, {"color", colour}, {"detail", {{"field", "run"}}}}));
  layers.push_back(layer(laws,
                         {{"type", "area"}, {"opacity", 0.2}},
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
  layers.push_back(layer(
      laws,
      {{"type", "text"}, {"align", "left"}, {"dx", 6}},
      {{"x", x}, {"y", y}, {"color", colour}, {"text", {{"field", "name"}, {"type", "nominal"}}}}));
  const Json specification = {{"$schema", "https://vega.github.io/schema/vega-lite/v5.json"},
                              {"title", options.title},
                              {"width", options.width},
                              {"height", options.height},
                              {"layer", std::move(layers)}};
  return specification.dump(1) + "\n";
}

}  // namespace einsearch
