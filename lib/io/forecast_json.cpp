#include "io/forecast_json.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace einsearch {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "einsearch forecast 1";

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const Estimate& estimate) {
  return {{"value", number(estimate.value)},
          {"standard_error", number(estimate.standard_error)},
          {"low_95", number(estimate.low)},
          {"high_95", number(estimate.high)},
          {"low_80", number(estimate.low_80)},
          {"high_80", number(estimate.high_80)}};
}

double number_of(const Json& json) { return json.is_null() ? kMissing : json.get<double>(); }

Estimate estimate_of(const Json& json) {
  return {.value = number_of(json.at("value")),
          .standard_error = number_of(json.at("standard_error")),
          .low = number_of(json.at("low_95")),
          .high = number_of(json.at("high_95")),
          .low_80 = number_of(json.at("low_80")),
          .high_80 = number_of(json.at("high_80"))};
}

FitStatus status_of(const std::string& text) {
  for (int i = 0; i <= static_cast<int>(FitStatus::not_falling); ++i) {
    if (text == to_string(static_cast<FitStatus>(i))) return static_cast<FitStatus>(i);
  }
  throw Error("unknown status", {.got = text});
}

StructureForecast structure_of(const Json& json) {
  StructureForecast one;
  one.structure = json.at("structure").get<std::string>();
  one.predicted_loss = estimate_of(json.at("predicted_loss"));
  one.law_loss = estimate_of(json.at("law_loss"));
  one.log_deviation = number_of(json.at("log_deviation"));
  one.multiplier = estimate_of(json.at("multiplier"));
  one.exponent = estimate_of(json.at("exponent"));
  one.extrapolated_by = number_of(json.at("extrapolated_by"));
  one.leave_largest_out_error = number_of(json.at("leave_largest_out_error"));
  one.status = status_of(json.at("status").get<std::string>());
  return one;
}

Forecast forecast_of(const Json& json) {
  if (json.at("format") != kFormat) {
    throw Error("unknown format", {.expected = kFormat, .got = json.at("format").dump()});
  }
  Forecast forecast;
  forecast.version = json.at("version").get<std::string>();
  forecast.data_digest = json.at("data").at("digest").get<std::string>();
  forecast.n_curves = json.at("data").at("n_curves").get<Count>();
  forecast.target_compute = json.at("target_compute").get<double>();
  forecast.baseline = json.at("baseline").get<std::string>();
  forecast.irreducible = json.at("irreducible").get<std::string>();
  forecast.n_replicates = json.at("n_replicates").get<Count>();
  for (const Json& one : json.at("structures")) {
    forecast.structures.push_back(structure_of(one));
    const StructureForecast& last = forecast.structures.back();
    if (!(last.predicted_loss.value > 0) || !(last.log_deviation > 0)) {
      throw Error("not a forecast",
                  {.where = "structure " + last.structure,
                   .expected = "a predicted loss and log_deviation above 0"});
    }
  }
  for (const Json& pair : json.at("pairs")) {
    const double probability = pair.at("probability").get<double>();
    if (!(probability > 0 && probability < 1)) {
      throw Error("not a probability",
                  {.where = "pairs",
                   .expected = "a number between 0 and 1",
                   .got = pair.at("probability").dump()});
    }
    forecast.pairs.push_back(
        {pair.at("better").get<std::string>(), pair.at("worse").get<std::string>(), probability});
  }
  return forecast;
}

}  // namespace

std::string forecast_json(const Forecast& forecast) {
  Json json = {{"format", kFormat},
               {"version", forecast.version},
               {"data", {{"digest", forecast.data_digest}, {"n_curves", forecast.n_curves}}},
               {"target_compute", forecast.target_compute},
               {"baseline", forecast.baseline},
               {"irreducible", forecast.irreducible},
               {"n_replicates", forecast.n_replicates},
               {"structures", Json::array()},
               {"pairs", Json::array()}};
  for (const StructureForecast& one : forecast.structures) {
    json["structures"].push_back({{"structure", one.structure},
                                  {"predicted_loss", to_json(one.predicted_loss)},
                                  {"law_loss", to_json(one.law_loss)},
                                  {"log_deviation", number(one.log_deviation)},
                                  {"multiplier", to_json(one.multiplier)},
                                  {"exponent", to_json(one.exponent)},
                                  {"extrapolated_by", number(one.extrapolated_by)},
                                  {"leave_largest_out_error", number(one.leave_largest_out_error)},
                                  {"status", to_string(one.status)}});
  }
  for (const PairForecast& pair : forecast.pairs) {
    json["pairs"].push_back(
        {{"better", pair.better}, {"worse", pair.worse}, {"probability", pair.probability}});
  }
  return json.dump(2) + "\n";
}

Forecast read_forecast(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error("cannot read", {.where = path});
  try {
    return forecast_of(Json::parse(in));
  } catch (const nlohmann::json::exception& error) {
    throw Error("not a forecast",
                {.where = path, .expected = "what einsearch predict writes", .got = error.what()});
  }
}

}  // namespace einsearch
