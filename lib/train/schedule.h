// Learning-rate schedules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace einsearch {

enum class ScheduleKind { constant, linear, cosine, wsd };

const std::vector<std::string>& schedule_names();
const char* to_string(ScheduleKind kind);
ScheduleKind parse_schedule(std::string_view name);

/// The rate as a share of the base rate. It rises linearly over the warm-up, then, with u the part
/// of the remaining steps that is done:
///   constant 1;  linear 1 - u;  cosine (1 + cos(pi u)) / 2;  wsd 1, then linear to 0 over the last
///   fifth of all steps.
/// The first update after the warm-up has the full rate.
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  Count warmup = 0;  ///< updates
  Count steps = 0;   ///< length of the whole schedule (constant: unused); a run may stop before

  /// For the update number `update`, from 0.
  double rate_share(Count update) const;

  /// Part of the decay that is done after `updates_done` updates: 0 before it starts, 1 at its end.
  double anneal(Count updates_done) const;

  /// Updates before the rate begins to fall; the constant rate never does.
  Count decay_start() const;
};

}  // namespace einsearch
