// An estimate with its uncertainty; what is unknown is nan.
#pragma once

#include <limits>

namespace einsearch {

struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  double standard_error = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();  ///< 95 % interval
  double high = std::numeric_limits<double>::quiet_NaN();
  double low_80 = std::numeric_limits<double>::quiet_NaN();  ///< 80 % interval
  double high_80 = std::numeric_limits<double>::quiet_NaN();

  bool has_interval() const { return low == low; }
};

}  // namespace einsearch
