#include "io/ranking_table.h"

#include <cmath>

#include "fit/ranking_words.h"

namespace einsearch {
namespace {

void write_taxonomy(TableWriter& table, const RankedStructure& row) {
  if (row.taxonomy) {
    table.cell(row.taxonomy->omega).cell(row.taxonomy->psi).cell(row.taxonomy->nu);
  } else {
    table.missing().missing().missing();
  }
}

void write_structure(TableWriter& table, const RankedStructure& row) {
  table.count_or_missing(row.rank);
  table.cell(row.structure).cell(row.family).cell(row.theta);
  write_taxonomy(table, row);
  table.count_or_missing(row.params);
  table.number_or_missing(row.flops);
}

void write_evidence(TableWriter& table, const RankedStructure& row) {
  table.cell(row.frontier.n_runs).cell(row.frontier.n_widths).cell(row.n_diverged);
  table.cell(to_string(row.kind)).cell(row.law.n_points);
  table.cell(row.frontier.n_dropped_smallest).cell(row.frontier.n_dropped_largest);
}

void write_ends(TableWriter& table, const Estimate& estimate) {
  for (const double value : {estimate.low, estimate.high, estimate.low_80, estimate.high_80}) {
    table.number_or_missing(value);
  }
}

void write_law(TableWriter& table, const RankedStructure& row, FrontierMethod method) {
  const bool has_line = row.law.prefactor > 0;
  const auto cell = [&table, has_line](double value) {
    table.number_or_missing(has_line ? value : kMissing);
  };
  cell(row.law.min_compute);
  cell(row.law.max_compute);
  cell(row.law.decades());
  cell(row.exponent.value);
  cell(row.exponent.low);
  cell(row.exponent.high);
  cell(row.exponent.standard_error);
  cell(method == FrontierMethod::hull ? row.law.exponent_stderr : kMissing);
  cell(row.law.prefactor);
  cell(row.law.reference_compute);
  cell(row.law.offset);
  cell(row.law.rms_residual);
  table.cell(to_string(row.law.status));
}

const char* multiplier_status(const RankedStructure& row) {
  if (row.is_below_floor) return "below_baseline_floor";
  if (std::isnan(row.multiplier.value)) return "";
  return std::isnan(row.extrapolated_by) ? "inside" : "extrapolated";
}

void write_inference(TableWriter& table, const RankedStructure& row, const Ranking& ranking) {
  table.count_or_missing(row.inference.rank_low);
  table.count_or_missing(row.inference.rank_high);
  table.number_or_missing(row.inference.rank_low > 0 ? row.inference.p_best : kMissing);
  table.number_or_missing(row.p_beats_baseline);
  table.number_or_missing(row.p_within_5_percent);
  table.cell(evidence(row));
  table.cell(to_string(ranking.irreducible));
  table.number_or_missing(row.irreducible_loss.value);
  write_ends(table, row.irreducible_loss);
}

void write_uncertainty(TableWriter& table, const RankedStructure& row) {
  table.number_or_missing(row.exponent.low_80);
  table.number_or_missing(row.exponent.high_80);
  table.number_or_missing(row.exponent_shrunk);
  table.number_or_missing(row.exponent_jackknife_se);
  write_ends(table, row.prefactor);
  table.number_or_missing(row.predicted_loss.low_80);
  table.number_or_missing(row.predicted_loss.high_80);
  table.number_or_missing(row.predicted_loss_shrunk);
  table.number_or_missing(row.multiplier.low_80);
  table.number_or_missing(row.multiplier.high_80);
  table.number_or_missing(row.multiplier_shrunk);
}

void write_reliability(TableWriter& table, const RankedStructure& row, const Ranking& ranking) {
  const char* status = multiplier_status(row);
  *status == 0 ? table.missing() : table.cell(status);
  table.number_or_missing(row.leave_largest_out_error);
  table.count_or_missing(row.single_scale_rank);
  table.number_or_missing(ranking.single_scale_tau);
  table.count_or_missing(row.n_seeds);
  const bool is_envelope = ranking.method == FrontierMethod::envelope && row.law.prefactor > 0;
  table.number_or_missing(is_envelope ? ranking.joint.huber_delta : kMissing);
  table.number_or_missing(is_envelope ? ranking.joint.objective : kMissing);
  const bool has_own_offset = ranking.irreducible == Irreducible::own;
  row.law.prefactor > 0 ? table.cell(row.law.n_points - (has_own_offset ? 3 : 2)) : table.missing();
  table.number_or_missing(row.p_undominated);
  table.number_or_missing(row.prefactor_shrunk);
  row.tuning.empty() ? table.missing() : table.cell(row.tuning);
}

void write_comparison(TableWriter& table, const RankedStructure& row, const Ranking& ranking) {
  for (const double value : {row.last_loss,
                             ranking.target_compute,
                             row.predicted_loss.value,
                             row.predicted_loss.low,
                             row.predicted_loss.high}) {
    table.number_or_missing(value);
  }
  table.cell(ranking.baseline);
  const Estimate& multiplier = row.multiplier;
  for (const double value : {multiplier.value,
                             multiplier.low,
                             multiplier.high,
                             1 / multiplier.value,
                             1 / multiplier.high,
                             1 / multiplier.low,
                             row.extrapolated_by}) {
    table.number_or_missing(value);
  }
  table.cell(row.verdict);
}

void write_row(TableWriter& table, const RankedStructure& row, const Ranking& ranking) {
  write_structure(table, row);
  write_evidence(table, row);
  write_law(table, row, ranking.method);
  write_comparison(table, row, ranking);
  write_inference(table, row, ranking);
  write_uncertainty(table, row);
  write_reliability(table, row, ranking);
}

}  // namespace

void write_ranking(TableWriter& table, const Ranking& ranking) {
  for (const RankedStructure& row : ranking.rows) {
    write_row(table, row, ranking);
    table.end_row();
  }
}

std::vector<std::string> summary_columns() {
  return {"rank",
          "structure",
          "family",
          "omega",
          "psi",
          "nu",
          "params",
          "flops",
          "exponent",
          "exponent_low",
          "exponent_high",
          "multiplier",
          "multiplier_low",
          "multiplier_high",
          "rank_low",
          "rank_high",
          "p_best",
          "evidence"};
}

void write_ranking_summary(TableWriter& table, const Ranking& ranking) {
  for (const RankedStructure& row : ranking.rows) {
    table.count_or_missing(row.rank);
    table.cell(row.structure).cell(row.family);
    write_taxonomy(table, row);
    table.count_or_missing(row.params);
    table.number_or_missing(row.flops);
    for (const Estimate& estimate : {row.exponent, row.multiplier}) {
      for (const double value : {estimate.value, estimate.low, estimate.high})
        table.number_or_missing(value);
    }
    table.count_or_missing(row.inference.rank_low);
    table.count_or_missing(row.inference.rank_high);
    table.number_or_missing(row.inference.rank_low > 0 ? row.inference.p_best : kMissing);
    table.cell(evidence(row));
    table.end_row();
  }
}

void write_frontiers(TableWriter& table, const Ranking& ranking) {
  for (const RankedStructure& row : ranking.rows) {
    for (const FrontierPoint& point : row.frontier.points) {
      table.cell(row.structure).cell(row.runs[static_cast<std::size_t>(point.run)]);
      table.cell(point.width).cell(to_string(row.kind)).cell(point.compute).cell(point.loss);
      table.number_or_missing(row.law.prefactor > 0 ? row.law.loss(point.compute) : kMissing);
      table.end_row();
    }
  }
}

}  // namespace einsearch
