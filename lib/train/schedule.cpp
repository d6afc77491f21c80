#include "train/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = {"constant", "linear", "cosine", "wsd"};
  return names;
}

const char* to_string(ScheduleKind kind) {
  return schedule_names()[static_cast<std::size_t>(kind)].c_str();
}

ScheduleKind parse_schedule(std::string_view name) {
  const auto& names = schedule_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("unknown schedule",
                {.expected = "constant, linear, cosine or wsd",
                 .got = std::string(name),
                 .hint = did_you_mean(name, names)});
  }
  return static_cast<ScheduleKind>(found - names.begin());
}

Count Schedule::decay_start() const {
  return kind == ScheduleKind::wsd ? std::max(warmup, steps - steps / 5) : warmup;
}

double Schedule::anneal(Count updates_done) const {
  if (kind == ScheduleKind::constant) return 0;
  const Count start = decay_start();
  if (updates_done <= start) return 0;
  return std::min(1.0,
                  static_cast<double>(updates_done - start) /
                      static_cast<double>(std::max<Count>(1, steps - start)));
}

double Schedule::rate_share(Count update) const {
  if (update < warmup) return static_cast<double>(update + 1) / static_cast<double>(warmup);
  const double done = anneal(update);
  return kind == ScheduleKind::cosine ? 0.5 * (1 + std::cos(std::numbers::pi * done)) : 1 - done;
}

}  // namespace einsearch
