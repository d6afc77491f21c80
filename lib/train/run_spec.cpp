#include "train/run_spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {

const std::vector<std::string>& layer_choice_names() {
  static const std::vector<std::string> names = {"all", "intermediate", "all-but-last"};
  return names;
}

const char* to_string(LayerChoice layers) {
  return layer_choice_names()[static_cast<std::size_t>(layers)].c_str();
}

LayerChoice parse_layer_choice(std::string_view name) {
  const auto& names = layer_choice_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("unknown choice of layers",
                {.expected = "all, intermediate or all-but-last",
                 .got = std::string(name),
                 .hint = did_you_mean(name, names)});
  }
  return static_cast<LayerChoice>(found - names.begin());
}

std::string canonical_text(const RunSpec& spec) {
  const MlpOptions& m = spec.model;
  const RegressionOptions& t = spec.task;
  const OptimizerOptions& o = spec.optimizer;
  return fmt::format(
      "numerics={} structure={} rounding={} order={} layers={} weight_norm={} width={} depth={} "
      "base_width={} "
      "task=regression inputs={} target_width={} target_depth={} seed_task={} seed_data={} "
      "seed_init={} "
      "batch={} steps={} lr={} schedule={} warmup={} schedule_steps={} beta1={} beta2={} "
      "epsilon={} weight_decay={} "
      "clip={} held_out={} records_per_decade={} first_record={}",
      kNumericsVersion,
      m.structure.name,
      to_string(m.resolve.rounding),
      to_string(m.resolve.order),
      to_string(m.layers),
      m.has_weight_norm,
      m.width,
      m.depth,
      m.base_width,
      t.inputs,
      t.target_width,
      t.target_depth,
      t.seed_task,
      t.seed_data,
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
      spec.first_record);
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
