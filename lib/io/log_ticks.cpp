#include "io/log_ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace einsearch {
namespace {

constexpr double kDigitsBelowDecades = 4;  // wider axes have no ticks between powers of ten

constexpr int kLeastTicks = 3;  // fewer digits than that: even steps

LogTick make_tick(double mantissa, int power) {
  LogTick tick;
  tick.value = mantissa * std::pow(10.0, power);
  if (power >= -3 && power <= 3) {
    tick.text = fmt::format("{:g}", tick.value);
  } else {
    tick.text = mantissa == 1 ? "10" : fmt::format("{:g}×10", mantissa);
    tick.raised = fmt::format("{}{}", power < 0 ? "−" : "", std::abs(power));
  }
  return tick;
}

int count_inside(double low, double high, const std::vector<int>& digits) {
  int count = 0;
  for (int power = static_cast<int>(std::floor(std::log10(low))); std::pow(10.0, power) <= high;
       ++power) {
    for (const int digit : digits) {
      const double value = digit * std::pow(10.0, power);
      if (value >= low && value <= high) ++count;
    }
  }
  return count;
}

/// The densest of 1..9, 1-2-5, 1-3 and 1 with few enough labels.
std::vector<int> labelled_digits(double low, double high, int most_labels) {
  const std::vector<std::vector<int>> choices = {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 5}, {1, 3}};
  for (const std::vector<int>& digits : choices) {
    if (count_inside(low, high, digits) <= most_labels) return digits;
  }
  return {1};
}

/// Even steps of 1, 2 or 5 times a power of ten, for axes that span less than a few digits.
std::vector<LogTick> even_ticks(double low, double high, int most_labels) {
  const double least = (high - low) / most_labels;
  const double magnitude = std::pow(10.0, std::floor(std::log10(least)));
  double step = 10 * magnitude;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * magnitude >= least) step = factor * magnitude;
  }
  const int power = static_cast<int>(std::floor(std::log10(high)));
  std::vector<LogTick> ticks;
  for (double i = std::ceil(low / step); i * step <= high; ++i) {
    ticks.push_back(make_tick(i * step / std::pow(10.0, power), power));
    ticks.back().is_labelled = true;
  }
  return ticks;
}

}  // namespace

std::vector<LogTick> log_ticks(double low, double high, int most_labels) {
  if (count_inside(low, high, {1, 2, 3, 4, 5, 6, 7, 8, 9}) < kLeastTicks) {
    return even_ticks(low, high, most_labels);
  }
  const std::vector<int> digits = labelled_digits(low, high, most_labels);
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::floor(std::log10(high)));
  const double decades = std::log10(high / low);
  const int stride = std::max(1, (last - first + most_labels) / most_labels);
  std::vector<LogTick> ticks;
  for (int power = first; power <= last; ++power) {
    for (int digit = 1; digit <= 9; ++digit) {
      LogTick tick = make_tick(digit, power);
      if (tick.value < low || tick.value > high) continue;
      const bool is_on_stride = ((power % stride) + stride) % stride == 0;
      tick.is_labelled =
          is_on_stride && std::find(digits.begin(), digits.end(), digit) != digits.end();
      if (tick.is_labelled || digit == 1 || decades < kDigitsBelowDecades) ticks.push_back(tick);
    }
  }
  return ticks;
}

}  // namespace einsearch
