// Reading curves and ranking structures, as the options of fit-scaling, plot and predict say.
#pragma once

#include "fit/ranking.h"
#include "fit_options.h"
#include "io/curve_csv.h"

namespace einsearch {

struct RankedCurves {
  CurveFile input;
  Ranking ranking;
};

/// The curves that the options name. Throws Error.
CurveFile read_named_curves(const FitScalingOptions& options);

/// Shows progress and logs warnings on the way.
RankedCurves rank_curves(const FitScalingOptions& options);

/// Names of the axes where the columns have other names than einsearch's.
struct AxisNames {
  std::string x, y;  ///< empty: the usual
};
AxisNames axis_names(const FitScalingOptions& options);

}  // namespace einsearch
