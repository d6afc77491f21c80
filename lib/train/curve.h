// Learning curves: what a run leaves behind and what fits read. Plain values; the CSV form is in
// io/curve_csv.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "train/expert_usage.h"

namespace einsearch {

enum class RunStatus { ok, diverged, failed };

/// One recorded step. Losses are per example (regression: mean squared error; sequences: nats per
/// token).
struct CurvePoint {
  Count step = 0;                ///< updates done
  Count examples = 0;            ///< training examples seen
  double train_flops = 0;        ///< training compute so far
  double loss = kMissing;        ///< held-out loss
  double loss_se = kMissing;     ///< its standard error; missing if unknown
  double train_loss = kMissing;  ///< mean training loss since the point before; missing at step 0
  double anneal =
      0;  ///< part of the schedule's decay that is done, in [0, 1]; 0: constant rate so far
  double time_s = kMissing;  ///< seconds of training so far; missing if left out
  RunStatus status = RunStatus::ok;
  std::optional<double> epochs;   ///< passes through the training set so far; none if endless
  double rate = kMissing;         ///< learning rate of the last update, before multipliers
  double grad_norm = kMissing;    ///< mean gradient norm since the point before, before clipping
  std::vector<double> block_rms;  ///< root mean square of the residual stream after each block
  std::optional<ExpertUsage> experts;  ///< on the held-out examples; none without mixtures

  bool operator==(const CurvePoint&) const = default;
};

/// One run: what it was, and its recorded steps in order.
struct Curve {
  std::string run;        ///< identity: digest of every option that changes the result
  std::string structure;  ///< structure of the layers, as typed
  std::string family;
  std::string theta;  ///< empty if unknown
  std::string task;
  Count width = 0;
  Count depth = 0;
  Count batch = 0;
  double lr = kMissing;
  std::string schedule;  ///< constant, linear, cosine, wsd, or empty if unknown
  Count seed_init = 0;
  Count seed_data = 0;
  Count seed_task = 0;
  Count params = 0;         ///< trainable numbers of the model; 0 if unknown
  double flops = kMissing;  ///< forward FLOPs of the model per example; sequences: per token
  double flops_linear = kMissing, flops_attention = kMissing, flops_head = kMissing,
         flops_other = kMissing;  ///< parts of flops, see ModelCost
  Count params_linear = 0;        ///< weights of the layers of flops_linear; 0 if unknown
  Count activation_bytes = 0;     ///< activations that one thread works on at a time; 0 if unknown
  Count weight_bytes = 0;         ///< of all trainable numbers; 0 if unknown
  std::vector<CurvePoint> points;
  std::string reason = {};  ///< of a run that failed; its only point has no loss

  bool operator==(const Curve&) const = default;
};

inline const char* to_string(RunStatus status) {
  if (status == RunStatus::failed) return "failed";
  return status == RunStatus::ok ? "ok" : "diverged";
}

inline std::optional<RunStatus> parse_run_status(std::string_view text) {
  if (text == "ok") return RunStatus::ok;
  if (text == "diverged") return RunStatus::diverged;
  if (text == "failed") return RunStatus::failed;
  return std::nullopt;
}

}  // namespace einsearch
