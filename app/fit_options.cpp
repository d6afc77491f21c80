#include "fit_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <tuple>

#include "arguments.h"
#include "base/error.h"

namespace einsearch {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kSmallest = std::numeric_limits<double>::min();
constexpr Range<double> kAboveZero{kSmallest, kLargest};

bool fits_power(const FitScalingOptions& options) { return options.law == "power"; }
bool fits_surface(const FitScalingOptions& options) { return options.law == "surface"; }
bool fits_points(const FitScalingOptions& options) { return options.law != "power"; }
bool reads_x(const FitScalingOptions& options) { return options.law != "surface"; }
bool reads_hull(const FitScalingOptions& options) {
  return fits_power(options) && (options.frontier == "hull" || options.is_paper);
}

/// Declares options one after the other and notes who reads them.
class Declarer {
 public:
  Declarer(CLI::App& command, FitScalingOptions& options, std::string group)
      : command_(command), options_(options), group_(std::move(group)) {}

  CLI::Option* text(const std::string& name,
                    std::string& value,
                    const std::string& meaning,
                    const char* type) {
    return command_.add_option(name, value, meaning)->type_name(type)->group(group_);
  }
  CLI::Option* texts(const std::string& name,
                     std::vector<std::string>& values,
                     const std::string& meaning,
                     const char* type) {
    CLI::Option* option = command_.add_option(name, values, meaning);
    return option->type_name(type)->group(group_)->expected(1)->take_all();
  }
  CLI::Option* choice(const std::string& name,
                      std::string& value,
                      const std::string& meaning,
                      const std::vector<std::string>& choices) {
    return command_.add_option(name, value, meaning)->check(CLI::IsMember(choices))->group(group_);
  }
  CLI::Option* real(const std::string& name,
                    double& value,
                    const std::string& meaning,
                    Range<double> range) {
    return add_real(command_, name, value, meaning, range)->group(group_);
  }
  CLI::Option* count(const std::string& name,
                     Count& value,
                     const std::string& meaning,
                     Range<Count> range = kPositive) {
    return add_count(command_, name, value, meaning, range)->group(group_);
  }
  CLI::Option* flag(const std::string& name, bool& value, const std::string& meaning) {
    return command_.add_flag(name, value, meaning)->group(group_);
  }
  /// The option declared just now has an effect only where `is_read`.
  void only(const CLI::Option* option,
            const std::string& expected,
            bool (*is_read)(const FitScalingOptions&)) {
    options_.readers.push_back({option, expected, is_read});
  }

 private:
  CLI::App& command_;
  FitScalingOptions& options_;
  std::string group_;
};

void declare_columns(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "Columns");
  CurveColumnNames& columns = options.columns;
  declare.only(declare.text("--x",
                            columns.train_flops,
                            "compute (train_flops); or seconds, params, flops, weight_bytes, "
                            "activation_bytes, any column",
                            "NAME"),
               "--law power or line",
               reads_x);
  declare.only(declare.choice("--count",
                              options.count,
                              "what counts in compute and size: total (default), linear layers, "
                              "non-embedding (all but the head)",
                              {"total", "linear", "non-embedding"}),
               "--law power",
               fits_power);
  declare.text("--y", columns.loss, "loss (loss)", "NAME");
  declare.text("--group",
               columns.structure,
               "what has a law of its own (structure); several by commas",
               "NAME");
  declare.text("--run", columns.run, "rows of one run, resampled together (run)", "NAME");
  declare.only(
      declare.text("--width", columns.width, "scale of a run (width, else params)", "NAME"),
      "--law power",
      fits_power);
  declare.only(declare.text("--wide",
                            options.wide,
                            "tables with a column (W&B) or a file (TensorBoard) per run: those "
                            "whose name matches; groups: structure, width, seed",
                            "REGEX"),
               "--law power",
               fits_power);
  declare.texts("--where", options.where, "read rows with, e.g., \"C<1e21\"; may repeat", "COND");
}

void declare_point_columns(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "With --law surface or line");
  declare.only(declare.text("--n", options.n_column, "size of the model (params)", "NAME"),
               "--law surface",
               fits_surface);
  declare.only(declare.text("--d", options.d_column, "data seen (examples)", "NAME"),
               "--law surface",
               fits_surface);
  declare.only(declare.real("--n-unit", options.n_unit, "count N in units of X (1)", kAboveZero),
               "--law surface",
               fits_surface);
  declare.only(declare.real("--d-unit", options.d_unit, "count D in units of X (1)", kAboveZero),
               "--law surface",
               fits_surface);
  declare.only(declare.choice("--objective",
                              options.objective,
                              "huber: of log loss (default); squares: of the loss itself",
                              {"huber", "squares"}),
               "--law surface",
               fits_surface);
  declare.only(declare.real("--huber-delta",
                            options.huber_delta,
                            "residual of log loss beyond which it counts linearly (0.001)",
                            kAboveZero),
               "--law surface",
               fits_surface);
  declare.only(
      declare.real(
          "--flops-per-nd", options.flops_per_nd, "compute is X times N times D (6)", kAboveZero),
      "--law surface",
      fits_surface);
  declare.only(declare.texts("--hold-out",
                             options.hold_out,
                             "keep such rows from the fit and predict them; may repeat",
                             "COND"),
               "--law surface or line",
               fits_points);
}

void declare_law(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "Law");
  declare.only(declare.choice("--irreducible",
                              options.irreducible,
                              "E: shared by all structures (default), zero, own, or whichever "
                              "predicts the next width best (roll-out)",
                              {"shared", "zero", "own", "roll-out"}),
               "--law power",
               fits_power);
  CLI::Option* const offset = declare.real(
      "--offset", options.ranking.offset, "a given E of every law instead", {0, kLargest});
  options.offset_option = offset;
  declare.only(offset, "--law power", fits_power);
  declare.only(declare.flag("--paper",
                            options.is_paper,
                            "as the paper does: --frontier hull --points all, E by --offset (0), "
                            "least squares"),
               "--law power",
               fits_power);
}

void declare_frontier(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "Frontier");
  declare.only(declare.choice("--frontier",
                              options.frontier,
                              "envelope (default) or hull (the paper's)",
                              {"envelope", "hull"}),
               "--law power",
               fits_power);
  declare.only(declare.choice("--points",
                              options.points,
                              "default: annealed end points, else constant-rate points; all: also "
                              "points inside a decay",
                              {"default", "all"}),
               "--law power",
               fits_power);
}

void declare_ranking(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "Ranking");
  declare.only(
      declare.text("--baseline", options.baseline, "structure to compare with (dense)", "S"),
      "--law power",
      fits_power);
  declare.real("--target-compute",
               options.target_compute,
               "training FLOPs to compare at (the largest inside every fitted range)",
               kAboveZero);
  declare.only(declare.flag("--check",
                            options.is_checked,
                            "judge tuning as einsearch check does: runs at other rates and batches "
                            "than the usual do not compete, structures that fail have no rank"),
               "--law power",
               fits_power);
  declare.flag("--force",
               options.is_forced,
               "extrapolate beyond ten times the largest compute; with --check, rank all");
  declare.only(declare.choice("--rank-by",
                              options.rank_by,
                              "predicted-loss (default), multiplier, exponent or last-loss",
                              rank_by_names()),
               "--law power",
               fits_power);
}

/// Other tables than the ranking, and files beside it.
void declare_reports(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "Output");
  declare.only(declare.text("--pareto",
                            options.pareto,
                            "only structures that, by these criteria (params,predicted-loss), "
                            "nobody dominates with probability above 0.05",
                            "A,B"),
               "--law power",
               fits_power);
  declare.only(declare.flag("--explain",
                            options.is_explained,
                            "instead of the ranking: how far omega, psi and nu explain it"),
               "--law power",
               fits_power);
  for (const auto& [name, path, meaning] :
       {std::tuple("--frontier-out", &options.frontier_path, "write frontier points as CSV"),
        std::tuple("--roll-out", &options.rollout_path, "write errors of prediction by law as CSV"),
        std::tuple("--plot", &options.plot_path, "draw runs, frontiers and laws as SVG")}) {
    declare.only(declare.text(name, *path, meaning, "FILE"), "--law power", fits_power);
  }
}

void declare_bootstrap(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "Intervals");
  declare.count("--replicates", options.replicates, "of the bootstrap (400)", {0, 1000000});
  declare.count("--seed", options.seed, "of the bootstrap (0)", kNonNegative);
  declare.count("--threads", options.threads, "threads (all cores)", {1, 4096});
}

void declare_hull(CLI::App& command, FitScalingOptions& options) {
  Declarer declare(command, options, "With --frontier hull");
  HullOptions& hull = options.ranking.hull;
  const Range<double> positive{0, kLargest};
  for (const CLI::Option* option :
       {declare.real(
            "--tolerance", hull.tolerance, "relative excess over the hull (0.02)", positive),
        declare.real("--min-step", hull.min_step, "earliest step", positive),
        declare.real("--max-step", hull.max_step, "latest step", positive),
        declare.count("--step-multiple", hull.step_multiple, "keep steps divisible by N"),
        declare.real("--min-compute", hull.min_compute, "least compute of the fit", positive),
        declare.real("--max-compute", hull.max_compute, "most compute of the fit", positive)}) {
    declare.only(option, "--frontier hull", reads_hull);
  }
}

void require_different_files(const FitScalingOptions& options) {
  std::vector<std::string> paths = {
      options.frontier_path, options.rollout_path, options.plot_path, options.output.path};
  std::erase_if(paths, [](const std::string& path) { return path.empty() || path == "-"; });
  std::sort(paths.begin(), paths.end());
  const auto twice = std::adjacent_find(paths.begin(), paths.end());
  if (twice == paths.end()) return;
  throw Error("one file for two outputs",
              {.where = "-o, --frontier-out, --roll-out, --plot",
               .expected = "different files",
               .got = "\"" + *twice + "\" twice"});
}

}  // namespace

std::vector<std::string> input_files(const std::vector<std::string>& files) {
  if (std::count(files.begin(), files.end(), "-") > 1) {
    throw Error("standard input given twice", {.where = "FILES", .expected = "- at most once"});
  }
  if (!files.empty()) return files;
  if (isatty(STDIN_FILENO) == 1) {
    throw Error("no curves given",
                {.where = "FILES",
                 .expected = "CSV files, or a table on standard input",
                 .hint = "einsearch train ... | einsearch fit-scaling -"});
  }
  return {"-"};
}

void declare_curve_options(CLI::App& command, FitScalingOptions& options) {
  command.add_option("FILES", options.files, "CSV of learning curves; - is standard input")
      ->type_name("FILE");
  declare_law(command, options);
  declare_columns(command, options);
  declare_frontier(command, options);
  declare_hull(command, options);
  declare_ranking(command, options);
  declare_bootstrap(command, options);
}

void declare_fit_options(CLI::App& command, FitScalingOptions& options) {
  Declarer(command, options, "Law")
      .choice("--law",
              options.law,
              "power: of frontiers, and a ranking (default); surface: E + A N^-alpha + B "
              "D^-beta; line: straight in logarithms",
              {"power", "surface", "line"});
  declare_curve_options(command, options);
  declare_point_columns(command, options);
  declare_reports(command, options);
  add_output_options(command, options.output);
}

void check_fit_options(FitScalingOptions& options) {
  for (const auto& [option, expected, is_read] : options.readers) {
    if (option->count() == 0 || is_read(options)) continue;
    throw Error(option->get_name() + " has no effect", {.expected = expected});
  }
  options.is_offset_given = options.offset_option->count() > 0;
  if (options.is_offset_given && !options.irreducible.empty()) {
    throw Error("two irreducible losses", {.where = "--offset, --irreducible", .expected = "one"});
  }
  if (reads_hull(options) && !options.irreducible.empty() && options.irreducible != "zero") {
    throw Error("--irreducible has no effect",
                {.expected = "--frontier envelope",
                 .got = "--frontier hull",
                 .hint = "the hull takes E from --offset"});
  }
  if (options.count != "total" && !options.wide.empty()) {
    throw Error("--count has no effect", {.expected = "long tables", .got = "--wide"});
  }
  if (options.is_explained && !options.pareto.empty()) {
    throw Error("two tables", {.where = "--explain, --pareto", .expected = "one"});
  }
  require_different_files(options);
}

}  // namespace einsearch
