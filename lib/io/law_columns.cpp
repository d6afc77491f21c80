#include "io/law_columns.h"

#include <array>

namespace einsearch {
namespace {

constexpr std::array kSurface = {
    ColumnInfo{"group", "", "what the columns of --group say, joined by /"},
    ColumnInfo{"n_points", "", "rows that were fitted"},
    ColumnInfo{"n_runs", "", "runs that they come from; resampled whole"},
    ColumnInfo{"irreducible_loss", "", "E of the law E + A N^-alpha + B D^-beta"},
    ColumnInfo{"irreducible_loss_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"irreducible_loss_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"irreducible_loss_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"irreducible_loss_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"a", "", "A of the law, for N in the units of the column"},
    ColumnInfo{"a_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"a_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"a_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"a_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"alpha", "", "exponent of N"},
    ColumnInfo{"alpha_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"alpha_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"alpha_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"alpha_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"b", "", "B of the law, for D in the units of the column"},
    ColumnInfo{"b_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"b_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"b_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"b_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"beta", "", "exponent of D"},
    ColumnInfo{"beta_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"beta_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"beta_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"beta_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"optimal_n_exponent",
               "",
               "beta / (alpha + beta): N* grows as this power of compute, D* as one minus it"},
    ColumnInfo{"optimal_n_exponent_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"optimal_n_exponent_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"optimal_n_exponent_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"optimal_n_exponent_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"objective", "", "least value of the objective"},
    ColumnInfo{"huber_delta",
               "",
               "residual of log loss beyond which it counts linearly; missing with squares"},
    ColumnInfo{"rms_residual", "", "root mean square of log law - log loss"},
    ColumnInfo{"degrees_of_freedom", "", "points minus five"},
    ColumnInfo{"restart_gap", "", "relative difference of the objectives of the two best starts"},
    ColumnInfo{"status",
               "",
               "converged, bound_hit, no_curvature, max_iter, restarts_disagree or too_few_points"},
    ColumnInfo{"n_held_out", "", "rows that --hold-out kept from the fit"},
    ColumnInfo{"held_out_error", "", "mean |law / loss - 1| of those"},
    ColumnInfo{"target_compute", "FLOPs", "compute that the optimum is given for"},
    ColumnInfo{"optimal_n", "", "size that is best at the target compute"},
    ColumnInfo{"optimal_n_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"optimal_n_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"optimal_n_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"optimal_n_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"optimal_d", "", "data that are best at the target compute"},
    ColumnInfo{"optimal_d_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"optimal_d_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"optimal_d_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"optimal_d_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"predicted_loss", "", "loss of the law at that optimum"},
    ColumnInfo{"predicted_loss_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"predicted_loss_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"predicted_loss_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"predicted_loss_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{
        "extrapolated_by", "", "target compute over the largest that was seen; missing inside"},
};

constexpr std::array kLine = {
    ColumnInfo{"group", "", "what the columns of --group say, joined by /"},
    ColumnInfo{"n_points", "", "rows that were fitted"},
    ColumnInfo{"n_runs", "", "runs that they come from; resampled whole"},
    ColumnInfo{"slope", "", "d log y / d log x"},
    ColumnInfo{"slope_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"slope_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"slope_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"slope_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"slope_stderr", "", "its standard error by least squares, for independent points"},
    ColumnInfo{"prefactor", "", "y of the line at x = 1"},
    ColumnInfo{"prefactor_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"prefactor_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"prefactor_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"prefactor_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"r_squared", "", "squared correlation of log x and log y"},
    ColumnInfo{"rms_residual", "", "root mean square of log y about the line"},
    ColumnInfo{"degrees_of_freedom", "", "points minus two"},
    ColumnInfo{"min_x", "", "least x"},
    ColumnInfo{"max_x", "", "largest x"},
    ColumnInfo{"status", "", "converged or too_few_points"},
    ColumnInfo{"n_held_out", "", "rows that --hold-out kept from the fit"},
    ColumnInfo{"held_out_error", "", "mean |line / y - 1| of those"},
};

constexpr std::array kRollout = {
    ColumnInfo{"irreducible", "", "whose irreducible loss the law has: shared, zero or own"},
    ColumnInfo{"n_widths", "", "smallest widths that were fitted; the next was predicted"},
    ColumnInfo{"n_structures", "", "structures whose next width could be predicted"},
    ColumnInfo{"n_points", "", "frontier points predicted"},
    ColumnInfo{"error", "", "mean |log law - log loss| of them"},
    ColumnInfo{"mean_error", "", "mean over the numbers of widths that every law was fitted to"},
};

constexpr std::array kEffect = {
    ColumnInfo{"term", "", "of log multiplier = constant + omega + psi + nu"},
    ColumnInfo{"coefficient", "", "per unit; missing where it does not vary by itself"},
    ColumnInfo{"coefficient_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"coefficient_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"coefficient_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"coefficient_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"coefficient_se", "", "its standard error"},
    ColumnInfo{"n_structures", "", "structures with a theta and a multiplier"},
    ColumnInfo{"r_squared", "", "part of the variance of log multiplier that is explained"},
    ColumnInfo{"adjusted_r_squared", "", "the same, less what chance explains"},
    ColumnInfo{"residual_sd", "", "standard deviation of what is left of log multiplier"},
    ColumnInfo{"noise_sd", "", "standard error of log multiplier, by bootstrap: what runs explain"},
    ColumnInfo{"n_repeated", "", "structures that share omega, psi and nu with another"},
    ColumnInfo{"pure_error_df", "", "degrees of freedom between them"},
    ColumnInfo{"pure_error_sd", "", "standard deviation of log multiplier between them"},
    ColumnInfo{"lack_of_fit_df", "", "degrees of freedom of the rest"},
    ColumnInfo{"lack_of_fit_f", "", "variance of the rest over that of pure error"},
    ColumnInfo{"lack_of_fit_p", "", "probability of as large an F if the three numbers sufficed"},
};

constexpr std::array kScore = {
    ColumnInfo{"structure", "", "structure of the layers"},
    ColumnInfo{"target_compute", "FLOPs", "training compute of the forecast"},
    ColumnInfo{"predicted_loss", "", "forecast"},
    ColumnInfo{"predicted_loss_low", "", "lower end of its 95 % interval for a measured loss"},
    ColumnInfo{"predicted_loss_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"predicted_loss_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"predicted_loss_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"observed_loss", "", "lowest loss of its runs there; missing: none gets there"},
    ColumnInfo{"log_error", "", "log observed - log predicted"},
    ColumnInfo{"z", "", "log_error in standard deviations of the forecast"},
    ColumnInfo{"is_inside_95", "", "1: the 95 % interval contains the observed loss"},
    ColumnInfo{"is_inside_80", "", "1: the 80 % interval contains the observed loss"},
    ColumnInfo{"log_score", "", "log density of the forecast at the observed log loss"},
    ColumnInfo{"n_scored", "", "structures with an observed loss"},
    ColumnInfo{"coverage_95", "", "part of them inside the 95 % interval"},
    ColumnInfo{"coverage_80", "", "part of them inside the 80 % interval"},
    ColumnInfo{"mean_log_score", "", "mean of log_score"},
    ColumnInfo{"n_pairs", "", "pairs whose order was forecast and observed"},
    ColumnInfo{"n_pairs_right", "", "pairs in the right order"},
    ColumnInfo{"pair_log_score", "", "mean log probability of the order that came; a coin: -0.693"},
    ColumnInfo{"tau", "", "Kendall's tau of predicted and observed losses"},
};

}  // namespace

std::span<const ColumnInfo> rollout_columns() { return kRollout; }
std::span<const ColumnInfo> effect_columns() { return kEffect; }
std::span<const ColumnInfo> score_columns() { return kScore; }
std::span<const ColumnInfo> surface_columns() { return kSurface; }
std::span<const ColumnInfo> line_columns() { return kLine; }

}  // namespace einsearch
