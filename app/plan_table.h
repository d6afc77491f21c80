// What --dry-run prints: a plan as a table, and in words what it costs.
#pragma once

#include <string>

#include "output.h"
#include "search/grid.h"
#include "search/shard.h"

namespace einsearch {

struct PlanPrint {
  OutputOptions output;
  Shard shard = {};      ///< only its count matters: how evenly shards share the plan
  bool is_timed = true;  ///< measures half a second of training for the expected time
};

/// The table, with the columns plan_columns(), goes to the output, the rest to the log.
void print_plan(const Plan& plan, const PlanPrint& print, const Threads& threads);

/// "2.5 s", "12 min", "3 h".
std::string duration_text(double seconds);

}  // namespace einsearch
