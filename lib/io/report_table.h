// Tables beside a ranking: how laws predicted the next width, what the taxonomy explains, how a
// forecast fared. Columns are in io/law_columns.h.
#pragma once

#include "fit/forecast.h"
#include "fit/rollout.h"
#include "fit/taxonomy_effect.h"
#include "io/table.h"

namespace einsearch {

/// One row per law and number of widths; `table` has the columns rollout_columns().
void write_rollout(TableWriter& table, const Rollout& rollout);

/// One row per term; `table` has the columns effect_columns().
void write_effect(TableWriter& table, const TaxonomyEffect& effect);

/// One row per structure of the forecast; `table` has the columns score_columns().
void write_scores(TableWriter& table, const ForecastScore& score);

}  // namespace einsearch
