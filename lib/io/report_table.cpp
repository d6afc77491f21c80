#include "io/report_table.h"

#include <cmath>

#include "io/law_table.h"

namespace einsearch {
namespace {

void number_or_missing(TableWriter& table, double value) {
  std::isfinite(value) ? table.cell(value) : table.missing();
}

}  // namespace

void write_rollout(TableWriter& table, const Rollout& rollout) {
  for (const RolloutRow& row : rollout.rows) {
    table.cell(to_string(row.irreducible)).cell(row.n_widths).cell(row.n_structures);
    table.cell(row.n_points);
    number_or_missing(table, row.error);
    number_or_missing(table, rollout.mean_error(row.irreducible));
    table.end_row();
  }
}

void write_effect(TableWriter& table, const TaxonomyEffect& effect) {
  for (std::size_t i = 0; i < effect.terms.size(); ++i) {
    table.cell(effect.terms[i]);
    write_estimate(table, effect.coefficients[i]);
    number_or_missing(table, effect.coefficients[i].standard_error);
    table.cell(effect.n_structures);
    for (const double value : {effect.r_squared,
                               effect.adjusted_r_squared,
                               effect.residual_deviation,
                               effect.noise_deviation}) {
      number_or_missing(table, value);
    }
    table.cell(effect.n_repeated).cell(effect.pure_degrees);
    number_or_missing(table, effect.pure_deviation);
    table.cell(effect.lack_degrees);
    number_or_missing(table, effect.lack_of_fit_f);
    number_or_missing(table, effect.lack_of_fit_p);
    table.end_row();
  }
}

void write_scores(TableWriter& table, const ForecastScore& score) {
  for (const StructureScore& row : score.rows) {
    table.cell(row.structure).cell(score.target_compute);
    write_estimate(table, row.predicted);
    number_or_missing(table, row.observed_loss);
    number_or_missing(table, row.log_error);
    number_or_missing(table, row.z);
    if (row.is_scored()) {
      table.cell(row.is_inside_95 ? 1 : 0).cell(row.is_inside_80 ? 1 : 0);
    } else {
      table.missing().missing();
    }
    number_or_missing(table, row.log_score);
    table.cell(score.n_scored);
    number_or_missing(table, score.coverage_95);
    number_or_missing(table, score.coverage_80);
    number_or_missing(table, score.mean_log_score);
    table.cell(score.n_pairs).cell(score.n_pairs_right);
    number_or_missing(table, score.pair_log_score);
    number_or_missing(table, score.tau);
    table.end_row();
  }
}

}  // namespace einsearch
