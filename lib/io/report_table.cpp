#include "io/report_table.h"

#include <cmath>

#include "io/law_table.h"

namespace einsearch {

void write_rollout(TableWriter& table, const Rollout& rollout) {
  for (const RolloutRow& row : rollout.rows) {
    table.cell(to_string(row.irreducible)).cell(row.n_widths).cell(row.n_structures);
    table.cell(row.n_points);
    table.number_or_missing(row.error);
    table.number_or_missing(rollout.mean_error(row.irreducible));
    table.end_row();
  }
}

void write_effect(TableWriter& table, const TaxonomyEffect& effect) {
  for (std::size_t i = 0; i < effect.terms.size(); ++i) {
    table.cell(effect.terms[i]);
    write_estimate(table, effect.coefficients[i]);
    table.number_or_missing(effect.coefficients[i].standard_error);
    table.cell(effect.n_structures);
    for (const double value : {effect.r_squared,
                               effect.adjusted_r_squared,
                               effect.residual_deviation,
                               effect.noise_deviation}) {
      table.number_or_missing(value);
    }
    table.cell(effect.n_repeated).cell(effect.pure_degrees);
    table.number_or_missing(effect.pure_deviation);
    table.cell(effect.lack_degrees);
    table.number_or_missing(effect.lack_of_fit_f);
    table.number_or_missing(effect.lack_of_fit_p);
    table.end_row();
  }
}

void write_scores(TableWriter& table, const ForecastScore& score) {
  for (const StructureScore& row : score.rows) {
    table.cell(row.structure).cell(score.target_compute);
    write_estimate(table, row.predicted);
    table.number_or_missing(row.observed_loss);
    table.number_or_missing(row.log_error);
    table.number_or_missing(row.z);
    if (row.is_scored()) {
      table.cell(row.is_inside_95 ? 1 : 0).cell(row.is_inside_80 ? 1 : 0);
    } else {
      table.missing().missing();
    }
    table.number_or_missing(row.log_score);
    table.cell(score.n_scored);
    table.number_or_missing(score.coverage_95);
    table.number_or_missing(score.coverage_80);
    table.number_or_missing(score.mean_log_score);
    table.cell(score.n_pairs).cell(score.n_pairs_right);
    table.number_or_missing(score.pair_log_score);
    table.number_or_missing(score.tau);
    table.end_row();
  }
}

}  // namespace einsearch
