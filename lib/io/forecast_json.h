// Forecasts as JSON, to be kept until the runs are made.
#pragma once

#include <string>

#include "fit/forecast.h"

namespace einsearch {

/// A JSON document, two spaces deep; equal forecasts give equal bytes.
std::string forecast_json(const Forecast& forecast);

/// Reads one back. Throws Error naming the file and what is wrong.
Forecast read_forecast(const std::string& path);

}  // namespace einsearch
