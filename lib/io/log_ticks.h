// Ticks of a logarithmic axis.
#pragma once

#include <string>
#include <vector>

namespace einsearch {

struct LogTick {
  double value = 0;
  std::string text;    ///< "0.05", "200", or the mantissa part of a power of ten ("10", "2x10")
  std::string raised;  ///< its exponent, empty where the number is written out
  bool is_labelled = false;
};

/// Ticks inside [low, high], 0 < low < high. Labelled are, as `most_labels` allows, all digits,
/// 1-2-5, 1-3, powers of ten, or every second, third ... of them; below four decades the other
/// digits are bare ticks. Axes with fewer than three digits have even steps. Numbers from 0.001 to
/// below 10,000 are written out.
std::vector<LogTick> log_ticks(double low, double high, int most_labels);

}  // namespace einsearch
