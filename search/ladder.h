// Ladders of widths. With integer sizes a structure's cost does not grow as smoothly as its
// exponents say: with exact rounding at doubling widths Monarch's FLOPs grow with local exponents
// 2, 1, 2, 1 instead of 1.5. So widths are chosen, not assumed.
#pragma once

#include <span>
#include <vector>

#include "structure/candidate.h"

namespace einsearch {

/// Smallest and largest local exponent, log(y2 / y1) / log(w2 / w1) between neighbouring widths.
struct ExponentRange {
  double lowest = 0;
  double highest = 0;

  double spread() const { return highest - lowest; }
};

struct LadderReport {
  ExponentRange flops;
  ExponentRange params;
  ExponentRange rank;
  double rounding_error = 0;  ///< largest over the widths, octaves
};

/// Layers w x w for every width, or w x (w d_out / d_in) for an aspect other than 1:1.
class Ladder {
 public:
  /// Throws Error unless there are at least two widths, ascending, that the aspect divides.
  Ladder(std::span<const Index> widths, Widths aspect, const ResolveOptions& options);

  LadderReport report(const Structure& structure) const;

 private:
  std::vector<double> log_widths_;
  std::vector<WidthResolver> resolvers_;
};

/// One rung of a proposed ladder.
struct Rung {
  Index width = 0;
  double worst_deviation = 0;  ///< largest |local FLOPs exponent - (1 + nu)| from the rung below
};

struct LadderRange {
  Index narrowest = 64;
  Index widest = 1024;
  int rungs = 4;
};

/// Widths near equal ratios from the narrowest to the widest whose local FLOPs exponents stray
/// least from 1 + nu, the worst structure of each step counting (dynamic programme over the sum of
/// squares of that deviation). Layers are square.
std::vector<Rung> suggest_ladder(std::span<const Structure> structures,
                                 const LadderRange& range,
                                 const ResolveOptions& options);

}  // namespace einsearch
