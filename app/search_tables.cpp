#include "search_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "fit/ranking_words.h"
#include "structure/notation.h"
#include "structure/taxonomy.h"

namespace einsearch {
namespace {

struct SearchRow {
  std::size_t candidate = 0;
  Count rank = 0;
  const ConfirmedStructure* confirmed = nullptr;
};

Verdict tuning_of(const SearchReport& report, std::size_t c) {
  for (const StructureTuning& row : report.tuning.rows) {
    if (row.structure == report.state.candidates[c].name) return row.tuning;
  }
  return Verdict::not_run;
}

/// Dense is what others are compared with, however it is tuned.
bool is_left_out(const SearchReport& report, std::size_t c) {
  return c > 0 && report.failed == FailedTuning::left_out && tuning_of(report, c) == Verdict::fail;
}

/// Confirmed ones by multiplier, then the others as the selection has them, then who left, the
/// latest first.
std::vector<SearchRow> rows_of(const SearchReport& report, SearchRows wanted) {
  const HalvingState& state = report.state;
  std::vector<SearchRow> rows;
  std::vector<bool> is_listed(state.candidates.size(), false);
  const auto list = [&](std::size_t c) {
    if (is_listed[c]) return;
    is_listed[c] = true;
    rows.push_back({c});
  };
  if (state.confirmation) {
    std::vector<std::size_t> members = {0};
    members.insert(members.end(), state.finalists.begin(), state.finalists.end());
    for (std::size_t i = 0; i < members.size(); ++i) {
      list(members[i]);
      rows.back().confirmed = &state.confirmation->rows[i];
    }
    std::stable_sort(rows.begin(), rows.end(), [](const SearchRow& a, const SearchRow& b) {
      const auto key = [](const SearchRow& row) {
        const double value = row.confirmed->multiplier.value;
        return std::isfinite(value) ? -value : 0;
      };
      return key(a) < key(b);
    });
    Count rank = 0;
    for (SearchRow& row : rows) {
      if (std::isfinite(row.confirmed->multiplier.value) && !is_left_out(report, row.candidate))
        row.rank = ++rank;
    }
  }
  if (wanted == SearchRows::confirmed && state.confirmation) return rows;
  for (const std::size_t c : state.order) list(c);
  list(0);
  std::vector<std::size_t> left;
  for (std::size_t c = 0; c < state.candidates.size(); ++c) {
    if (!is_listed[c]) left.push_back(c);
  }
  std::stable_sort(left.begin(), left.end(), [&](std::size_t a, std::size_t b) {
    const CandidateState &x = state.states[a], &y = state.states[b];
    if (x.scales != y.scales) return x.scales > y.scales;
    return x.score < y.score;
  });
  for (const std::size_t c : left) list(c);
  return rows;
}

std::string verdict_of(const SearchReport& report, std::size_t c, const ConfirmedStructure& row) {
  if (c == 0) return "the baseline";
  if (is_left_out(report, c)) return "badly tuned: no rank";
  if (!row.fault.empty()) return row.fault;
  if (!row.multiplier.has_interval()) return "one seed: no interval";
  if (row.surely_beats_dense) return "needs less compute than dense";
  if (row.is_surely_beaten) return "needs more compute than dense";
  return "not told apart from dense";
}

void put_what_it_is(TableWriter& table,
                    const SearchCandidate& candidate,
                    const ScaledStructure& scaled) {
  const Taxonomy place = taxonomy(scaled.structure.theta);
  table.cell(candidate.name)
      .cell(candidate.family)
      .cell(to_string(scaled.structure.theta))
      .cell(place.omega)
      .cell(place.psi)
      .cell(place.nu)
      .cell(model_options(scaled.runs.back().model).width)
      .cell(scaled.params.back());
}

void put_confirmation(TableWriter& table, const SearchRow& row, const HalvingState& state) {
  if (row.confirmed == nullptr) {
    for (int i = 0; i < 7; ++i) table.missing();
    return;
  }
  const ConfirmedStructure& own = *row.confirmed;
  for (const double value : {own.multiplier.value,
                             own.multiplier.low,
                             own.multiplier.high,
                             own.p_best,
                             own.p_beats_dense,
                             state.confirmation->compute,
                             own.loss})
    table.number_or_missing(value);
}

/// Multiplier over dense as the selection has it.
Estimate selection_of(const HalvingState& state, std::size_t c) {
  for (std::size_t i = 0; state.selection && i < state.selected.size(); ++i) {
    if (state.selected[i] == c) return state.selection->multiplier[i];
  }
  return {};
}

void put_selection(TableWriter& table, const HalvingState& state, std::size_t c) {
  const Estimate multiplier = selection_of(state, c);
  for (const double value : {multiplier.value, multiplier.low, multiplier.high})
    table.number_or_missing(value);
  table.number_or_missing(std::exp(state.states[c].score));
}

/// "12 dropped, 3 diverged": how a stage parted with its structures.
std::map<std::string, std::map<std::string, Count>> actions_by_stage(
    const HalvingState& state, std::vector<std::string>& stages) {
  std::map<std::string, std::map<std::string, Count>> actions;
  for (const Decision& decision : state.decisions) {
    if (!actions.contains(decision.stage)) stages.push_back(decision.stage);
    ++actions[decision.stage][decision.action];
  }
  return actions;
}

}  // namespace

void write_search(TableWriter& table, const SearchReport& report, SearchRows wanted) {
  const HalvingState& state = report.state;
  for (const SearchRow& row : rows_of(report, wanted)) {
    const SearchCandidate& candidate = state.candidates[row.candidate];
    const CandidateState& own = state.states[row.candidate];
    table.count_or_missing(row.rank);
    put_what_it_is(table, candidate, report.loop.structure(candidate.name));
    put_confirmation(table, row, state);
    put_selection(table, state, row.candidate);
    table.cell(own.lr_factor)
        .cell(own.is_rate_at_edge ? 1 : 0)
        .cell(to_string(tuning_of(report, row.candidate)))
        .cell(own.scales)
        .cell(own.flops)
        .cell(candidate.origin)
        .cell(own.dropped_at)
        .cell(own.reason)
        .cell(row.confirmed == nullptr ? "" : verdict_of(report, row.candidate, *row.confirmed));
    table.end_row();
  }
}

std::vector<std::string> search_summary_columns() {
  return {"rank",
          "structure",
          "family",
          "omega",
          "psi",
          "nu",
          "width",
          "params",
          "loss",
          "multiplier",
          "multiplier_low",
          "multiplier_high",
          "p_best",
          "selection_multiplier",
          "tuning",
          "verdict"};
}

void write_search_summary(TableWriter& table, const SearchReport& report) {
  for (const SearchRow& row : rows_of(report, SearchRows::confirmed)) {
    const SearchCandidate& candidate = report.state.candidates[row.candidate];
    const ScaledStructure& scaled = report.loop.structure(candidate.name);
    const Taxonomy place = taxonomy(scaled.structure.theta);
    table.count_or_missing(row.rank);
    table.cell(candidate.name).cell(candidate.family).cell(place.omega).cell(place.psi);
    table.cell(place.nu).cell(model_options(scaled.runs.back().model).width);
    table.cell(scaled.params.back());
    const ConfirmedStructure none;
    const ConfirmedStructure& own = row.confirmed == nullptr ? none : *row.confirmed;
    for (const double value : {own.loss,
                               own.multiplier.value,
                               own.multiplier.low,
                               own.multiplier.high,
                               own.p_best,
                               selection_of(report.state, row.candidate).value})
      table.number_or_missing(value);
    table.cell(to_string(tuning_of(report, row.candidate)));
    table.cell(row.confirmed == nullptr ? "" : verdict_of(report, row.candidate, own));
    table.end_row();
  }
}

void write_decisions(TableWriter& table, const HalvingState& state) {
  for (const Decision& decision : state.decisions) {
    table.cell(decision.stage).cell(decision.structure).cell(decision.action).cell(decision.reason);
    table.number_or_missing(decision.predicted_loss);
    table.number_or_missing(decision.p_top);
    table.end_row();
  }
}

std::vector<std::string> search_lines(const SearchReport& report) {
  const HalvingState& state = report.state;
  const HalvingOptions& options = report.loop.options();
  std::vector<std::string> lines, stages;
  for (const auto& actions = actions_by_stage(state, stages); const std::string& stage : stages) {
    std::vector<std::string> parts;
    for (const auto& [action, count] : actions.at(stage))
      parts.push_back(fmt::format("{} {}", count, action));
    lines.push_back(fmt::format("{}: {}", stage, fmt::join(parts, ", ")));
  }
  if (state.neighbours_won) {
    const bool has_surrogate = options.strategy == Strategy::surrogate;
    lines.push_back(fmt::format("{} structures {} tried; {} of the {}",
                                state.n_neighbours,
                                has_surrogate ? "that the surrogate chose" : "off the lattice",
                                *state.neighbours_won
                                    ? "the best of them is predicted better than all"
                                    : "none is predicted better than the best",
                                has_surrogate ? "space" : "lattice"));
  }
  lines.insert(lines.end(), state.notes.begin(), state.notes.end());
  lines.push_back(fmt::format(
      "{} training FLOPs of {}",
      flops_text(state.flops),
      std::isfinite(options.budget) ? flops_text(options.budget) : std::string("no budget")));
  if (!state.confirmation) return lines;
  const Confirmation& confirmation = *state.confirmation;
  lines.push_back(fmt::format(
      "confirmed at {} FLOPs by {} fresh seeds each of weights, examples and target; the target "
      "of the selection was {}",
      flops_text(confirmation.compute),
      confirmation.n_seeds,
      flops_text(options.target)));
  if (tuning_of(report, 0) == Verdict::fail) {
    lines.push_back(
        "dense itself is badly tuned: multipliers over it say little (einsearch check says why)");
  }
  Count beaten = 0;
  for (std::size_t i = 1; i < confirmation.rows.size(); ++i) {
    const std::size_t c = state.finalists[i - 1];
    if (confirmation.rows[i].surely_beats_dense && !is_left_out(report, c)) ++beaten;
    if (is_left_out(report, c)) {
      lines.push_back(state.candidates[c].name +
                      " has no rank: its learning rate is badly tuned (einsearch check says how; "
                      "--force ranks it)");
    }
  }
  lines.push_back(beaten == 0 ? std::string("no structure is shown to need less compute than dense")
                              : fmt::format("{} of {} finalists need less compute than dense",
                                            beaten,
                                            confirmation.rows.size() - 1));
  return lines;
}

}  // namespace einsearch
