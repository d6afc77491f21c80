// One finished run as one line of text, which is how the store keeps it.
//
//   DIGEST RUN NUMERICS STATUS {"structure": ...}\n
//
// DIGEST covers the rest of the line, so that a line that a crash has torn is known as such; RUN,
// NUMERICS and STATUS can be read without the JSON, which holds the curve.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "train/curve.h"

namespace einsearch {

struct RunRecord {
  int numerics = 0;  ///< kNumericsVersion of the program that ran it
  Curve curve;
};

/// How a run ended: the status of its last point.
inline RunStatus status_of(const Curve& curve) {
  return curve.points.empty() ? RunStatus::failed : curve.points.back().status;
}

/// The line, with its line end.
std::string to_line(const RunRecord& record);

/// What can be said of a line without reading the curve.
struct RecordHead {
  std::string_view run;
  int numerics = 0;
  RunStatus status = RunStatus::ok;
  std::string_view body;  ///< the JSON
};

/// Nothing for a line (without line end) that is torn or not a record. Views into `line`.
std::optional<RecordHead> parse_head(std::string_view line);

/// Throws Error, naming the run, for a record whose JSON another version wrote.
RunRecord parse_record(const RecordHead& head);

}  // namespace einsearch
