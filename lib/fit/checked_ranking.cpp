#include "fit/checked_ranking.h"

#include <fmt/format.h>

#include <cassert>
#include <map>

namespace einsearch {

Ranking rank_checked(std::span<const Curve> curves,
                     const TuningReport& report,
                     const RankingOptions& options,
                     FailedTuning failed) {
  assert(curves.size() == report.is_usual.size());
  const std::string baseline = options.baseline.value_or("dense");
  std::map<std::string, const StructureTuning*> tunings;
  for (const StructureTuning& row : report.rows) tunings[row.structure] = &row;
  const auto is_left_out = [&](const std::string& structure) {
    return failed == FailedTuning::left_out && structure != baseline &&
           tunings.at(structure)->tuning == Verdict::fail;
  };
  std::vector<Curve> ranked;
  std::map<std::string, const Curve*> left_out;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (curves[i].points.empty()) continue;
    if (is_left_out(curves[i].structure)) {
      left_out[curves[i].structure] = &curves[i];
    } else if (report.is_usual[i]) {
      ranked.push_back(curves[i]);
    }
  }
  Ranking ranking = rank_structures(ranked, options);
  for (RankedStructure& row : ranking.rows)
    row.tuning = to_string(tunings.at(row.structure)->tuning);
  for (const auto& [name, curve] : left_out) {
    RankedStructure row;
    row.structure = name;
    row.family = curve->family;
    row.theta = curve->theta;
    row.tuning = to_string(Verdict::fail);
    row.verdict = "not ranked: its tuning failed the check";
    ranking.rows.push_back(std::move(row));
    ranking.warnings.push_back(fmt::format(
        "{}: its tuning failed the check, so it is not ranked (--force ranks it)", name));
  }
  return ranking;
}

}  // namespace einsearch
