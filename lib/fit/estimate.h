// An estimate with its uncertainty; what is unknown is nan.
#pragma once

#include "base/types.h"

namespace einsearch {

struct Estimate {
  double value = kMissing;
  double standard_error = kMissing;
  double low = kMissing;  ///< 95 % interval
  double high = kMissing;
  double low_80 = kMissing;  ///< 80 % interval
  double high_80 = kMissing;

  bool has_interval() const { return low == low; }
};

}  // namespace einsearch
