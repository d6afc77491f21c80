// How fast this machine runs what training is made of, against its own peak.
//
// Clocks move and machines are shared, so no number is taken by itself. Everything that is compared
// runs in turn: a round measures the peak beside each subject, and dense beside every structure;
// ratios are taken inside a round, and a row reports medians over rounds.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compute/isa.h"
#include "nn/mixture_options.h"

namespace einsearch {

/// peak_fma, bandwidth, gemm, layer, layer_forward, layer_input_gradient, layer_weight_gradient,
/// gelu, layer_norm, layer_norm_backward, adamw, bias_gradient, mlp_step, gpt_step: the order of
/// rows. After gemm comes gemm_eigen, the same by Eigen.
const std::vector<std::string>& benchmark_names();

struct BenchmarkOptions {
  std::vector<std::string> names;          ///< out of benchmark_names()
  std::vector<ModelStructure> structures;  ///< mixtures: gpt_step only
  std::vector<Index> widths;
  std::vector<Index> batches;
  std::vector<int> threads;
  double seconds = 0.2;  ///< of measuring, per row
};

/// What does not apply to a row is missing.
struct BenchmarkRow {
  std::string name;
  std::string structure;
  std::optional<Index> width;
  std::optional<Index> batch;
  int threads = 1;
  Isa isa = Isa::v3;
  std::optional<double> ms_per_step;
  std::optional<double> gflops;
  std::optional<double> fraction_of_peak;        ///< of peak_fma with the same threads
  std::optional<double> time_per_flop_vs_dense;  ///< time per FLOP over that of dense
  std::optional<double> ns_per_element;          ///< time x threads / elements
  std::optional<double> activation_mib;          ///< that one thread keeps at a time
  std::optional<double> gb_per_s;
};

struct BenchmarkObserver {
  /// Before each group of measurements: the share that is done, and what comes next.
  std::function<void(double share, const std::string& next)> on_progress;
  std::function<void(const BenchmarkRow&)> on_row;
};

/// Throws Error for a name that is not in benchmark_names(), for a structure that does not fit a
/// width and for a mixture in other models than gpt_step, before anything is measured.
void run_benchmarks(const BenchmarkOptions& options, const BenchmarkObserver& observer);

}  // namespace einsearch
