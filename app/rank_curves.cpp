#include "rank_curves.h"

#include <fmt/format.h>

#include "compute/parallel.h"
#include "fit/checked_ranking.h"
#include "io/wide_csv.h"
#include "log.h"
#include "progress.h"

namespace einsearch {
namespace {

CurveColumnNames curve_columns_of(const FitScalingOptions& options) {
  CurveColumnNames columns = options.columns;
  if (columns.train_flops == "seconds") columns.train_flops = "time_s";
  if (options.count == "linear") columns.count = ComputeCount::linear;
  if (options.count == "non-embedding") columns.count = ComputeCount::non_embedding;
  for (const std::string& text : options.where) {
    columns.where.push_back(parse_condition(text, "--where"));
  }
  return columns;
}

RankingOptions ranking_options(const FitScalingOptions& options) {
  RankingOptions ranking = options.ranking;
  if (options.frontier == "hull" || options.is_paper) ranking.method = FrontierMethod::hull;
  if (options.points == "all" || options.is_paper) ranking.points = PointChoice::all;
  if (options.is_offset_given) ranking.irreducible = Irreducible::given;
  if (options.irreducible == "zero") ranking.irreducible = Irreducible::zero;
  if (options.irreducible == "own") ranking.irreducible = Irreducible::own;
  ranking.selects_irreducible = options.irreducible == "roll-out";
  ranking.may_extrapolate = options.is_forced;
  if (!options.baseline.empty()) ranking.baseline = options.baseline;
  if (options.target_compute > 0) ranking.target_compute = options.target_compute;
  ranking.rank_by = parse_rank_by(options.rank_by);
  ranking.bootstrap.n_replicates = options.replicates;
  ranking.bootstrap.seed = static_cast<std::uint64_t>(options.seed);
  ranking.bootstrap.n_threads =
      options.threads > 0 ? static_cast<int>(options.threads) : available_threads();
  return ranking;
}

}  // namespace

CurveFile read_named_curves(const FitScalingOptions& options) {
  const std::vector<std::string> files = input_files(options.files);
  const CurveColumnNames columns = curve_columns_of(options);
  return options.wide.empty() ? read_curves(files, columns)
                              : read_wide_curves(files, options.wide, columns);
}

RankedCurves rank_curves(const FitScalingOptions& options) {
  RankedCurves ranked;
  ranked.input = read_named_curves(options);
  Progress progress("fit-scaling");
  RankingOptions request = ranking_options(options);
  request.bootstrap.on_progress = [&progress](double share) {
    progress.update(share, "replicates");
  };
  ranked.ranking = options.is_checked ? rank_checked(ranked.input.curves,
                                                     check_tuning(ranked.input.curves),
                                                     request,
                                                     options.is_forced ? FailedTuning::ranked
                                                                       : FailedTuning::left_out)
                                      : rank_structures(ranked.input.curves, request);
  progress.clear();
  for (const auto* remarks : {&ranked.input.remarks, &ranked.ranking.warnings}) {
    for (const std::string& remark : *remarks) log_warning(remark);
  }
  return ranked;
}

AxisNames axis_names(const FitScalingOptions& options) {
  const CurveColumnNames usual;
  AxisNames names;
  if (options.columns.train_flops != usual.train_flops) names.x = options.columns.train_flops;
  if (options.columns.loss != usual.loss) names.y = options.columns.loss;
  return names;
}

}  // namespace einsearch
