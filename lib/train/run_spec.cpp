#include "train/run_spec.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/error.h"

namespace einsearch {

std::string canonical_text(const RunSpec& spec) {
  const OptimizerOptions& o = spec.optimizer;
  const std::string optimizer =
      o.kind == OptimizerKind::adamw ? "" : std::string(" optimizer=") + to_string(o.kind);
  return fmt::format(
      "numerics={} {} {} seed_init={} batch={} steps={} lr={} schedule={} warmup={} "
      "schedule_steps={} beta1={} beta2={} epsilon={} weight_decay={} clip={} held_out={} "
      "records_per_decade={} first_record={}{}",
      kNumericsVersion,
      canonical_text(spec.model),
      canonical_text(spec.task),
      spec.seed_init,
      spec.batch,
      spec.steps,
      spec.lr,
      to_string(spec.schedule.kind),
      spec.schedule.warmup,
      spec.schedule.steps,
      o.beta1,
      o.beta2,
      o.epsilon,
      o.weight_decay,
      o.clip,
      spec.held_out,
      spec.records_per_decade,
      spec.first_record,
      optimizer);
}

std::string run_id(const RunSpec& spec) { return digest(canonical_text(spec)); }

void validate(const RunSpec& spec) {
  const Schedule& schedule = spec.schedule;
  if (schedule.kind == ScheduleKind::constant) return;
  if (schedule.steps < spec.steps) {
    throw Error("the schedule ends before the run",
                {.expected = fmt::format("at least {} steps", spec.steps),
                 .got = fmt::format("{}", schedule.steps)});
  }
  if (schedule.warmup >= schedule.steps) {
    throw Error("the warm-up fills the schedule",
                {.expected = fmt::format("fewer than {} steps", schedule.steps),
                 .got = fmt::format("{}", schedule.warmup)});
  }
}

}  // namespace einsearch
