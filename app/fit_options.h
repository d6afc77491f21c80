// What `fit-scaling` was asked for, and `plot` and `predict`, which fit the same laws to the same
// curves. fit_points.cpp serves the laws that are fitted to points (surface, line), rank_curves.h
// the power laws of frontiers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fit/ranking.h"
#include "io/curve_csv.h"
#include "output.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace einsearch {

struct FitScalingOptions {
  std::vector<std::string> files;
  std::string law = "power";
  CurveColumnNames columns;
  std::string n_column, d_column;  ///< empty: params, examples
  double n_unit = 1, d_unit = 1;
  std::vector<std::string> where, hold_out;
  std::string objective = "huber";
  double huber_delta = 1e-3;
  double flops_per_nd = 6;
  Count replicates = 400;
  Count seed = 0;
  Count threads = 0;
  bool is_forced = false;
  bool is_checked = false;  ///< the ranking heeds how structures were tuned

  std::string frontier = "envelope";
  std::string points = "default";
  std::string irreducible;  ///< empty: shared, or given where --offset is
  bool is_paper = false;
  std::string rank_by = "predicted-loss";
  std::string baseline;
  double target_compute = 0;
  RankingOptions ranking;
  std::string count = "total";
  std::string wide;    ///< a pattern of runs' names; empty: long tables
  std::string pareto;  ///< criteria by commas; empty: the ranking
  bool is_explained = false;
  std::string frontier_path;
  std::string rollout_path;
  std::string plot_path;
  OutputOptions output;

  /// An option, who reads it in words, and whether anyone does.
  struct Reader {
    const CLI::Option* option;
    std::string expected;
    std::function<bool(const FitScalingOptions&)> is_read;
  };
  std::vector<Reader> readers = {};
  const CLI::Option* offset_option = nullptr;
  bool is_offset_given = false;  ///< by check_fit_options()
};

/// Declares the options that say which curves are fitted and how.
void declare_curve_options(CLI::App& command, FitScalingOptions& options);

/// Declares every option of fit-scaling.
void declare_fit_options(CLI::App& command, FitScalingOptions& options);

/// Notes which options were given. One that would change nothing is a mistake of whoever gave it;
/// so are two outputs in one file. Throws Error.
void check_fit_options(FitScalingOptions& options);

/// The files named, or standard input; throws Error on a terminal without files.
std::vector<std::string> input_files(const std::vector<std::string>& files);

/// fit-scaling --law surface and --law line: a row per group on stdout.
int fit_points(const FitScalingOptions& options);

}  // namespace einsearch
