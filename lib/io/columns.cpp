#include "io/columns.h"

#include <array>

namespace einsearch {
namespace {

constexpr std::array kStructure = {
    ColumnInfo{
        "structure", "", "name or notation that gives this structure back after --structure"},
    ColumnInfo{"family", "", "dense, low-rank, kronecker, tt, monarch, btt or generic"},
    ColumnInfo{"theta", "", "exponents (alpha|beta|gamma|delta|epsilon|phi|rho)"},
    ColumnInfo{"n_alpha", "", "size of the input axis that only factor A sees"},
    ColumnInfo{"n_beta", "", "size of the input axis that only factor B sees"},
    ColumnInfo{"n_gamma", "", "size of the input axis that both factors see"},
    ColumnInfo{"n_delta", "", "size of the output axis that only factor A makes"},
    ColumnInfo{"n_epsilon", "", "size of the output axis that only factor B makes"},
    ColumnInfo{"n_phi", "", "size of the output axis that both factors make"},
    ColumnInfo{"n_rho", "", "size of the inner axis that joins the factors"},
    ColumnInfo{"d_in", "features", "inputs of the layer"},
    ColumnInfo{"d_out", "features", "outputs of the layer"},
    ColumnInfo{"pad_in", "features", "n_alpha n_beta n_gamma: inputs after padding or cutting"},
    ColumnInfo{"pad_out", "features", "n_delta n_epsilon n_phi: outputs before cutting or padding"},
    ColumnInfo{"order", "", "factor that is applied first: a-first or b-first"},
    ColumnInfo{"params", "", "weights of both factors, without bias"},
    ColumnInfo{"flops",
               "FLOPs/sample",
               "forward FLOPs per sample in that order, 2 per multiply-accumulate"},
    ColumnInfo{
        "omega", "", "parameter sharing: FLOPs / params = d^omega (0: each weight is used once)"},
    ColumnInfo{"psi", "", "rank = d^psi (1: full)"},
    ColumnInfo{"nu", "", "how structured: FLOPs = d^(1 + nu) (1: as dear as dense)"},
    ColumnInfo{"rank", "", "bound on the rank at these sizes, reached by almost all factors"},
    ColumnInfo{
        "rounding_error", "octaves", "largest |log2(n_x / d^x)|; above 1 the candidate is invalid"},
    ColumnInfo{
        "theta_drift", "", "largest |log_d n_x - x|: how far the integer sizes are from theta"},
    ColumnInfo{"einsum", "", "both factors as one einsum: A, B, x -> y"},
};

constexpr std::array kCurve = {
    ColumnInfo{"run", "", "identity of the run: digest of every option that changes its result"},
    ColumnInfo{"structure",
               "",
               "structure of the layers; then +ROLE=S for each of --assign, +heads for "
               "--align-heads"},
    ColumnInfo{
        "family", "", "dense, low-rank, kronecker, tt, monarch, btt, generic; mixed by --assign"},
    ColumnInfo{
        "theta", "", "exponents (alpha|beta|gamma|delta|epsilon|phi|rho); missing where mixed"},
    ColumnInfo{"task", "", "what is learned"},
    ColumnInfo{"width", "features", "width of the model"},
    ColumnInfo{"depth", "", "residual blocks of the model"},
    ColumnInfo{"batch", "examples", "examples per step"},
    ColumnInfo{"lr", "", "base learning rate, before the structure's multipliers"},
    ColumnInfo{"schedule", "", "constant, linear, cosine or wsd"},
    ColumnInfo{
        "anneal",
        "",
        "part of the schedule's decay that is done: 0 none (constant rate so far), 1 all of it"},
    ColumnInfo{"seed_init", "", "seed of the initial weights"},
    ColumnInfo{"seed_data", "", "seed of the training examples"},
    ColumnInfo{"seed_task", "", "seed of the task: its target and held-out set"},
    ColumnInfo{"status", "", "of the run so far: ok, diverged or failed"},
    ColumnInfo{"step", "", "updates done"},
    ColumnInfo{
        "examples", "", "training examples seen; an example of text or pixels is a sequence"},
    ColumnInfo{"params", "", "all trainable numbers of the model"},
    ColumnInfo{"flops",
               "FLOPs/example",
               "forward FLOPs of the model per example; of sequences, per token"},
    ColumnInfo{"train_flops",
               "FLOPs",
               "training compute so far: 3 x flops x examples x tokens per example"},
    ColumnInfo{"loss", "", "held-out loss; of sequences, nats per token"},
    ColumnInfo{"loss_se", "", "standard error of the held-out loss from the finite held-out set"},
    ColumnInfo{"train_loss", "", "mean training loss since the row before"},
    ColumnInfo{"time_s", "s", "seconds of training so far, without evaluation"},
    ColumnInfo{"epochs",
               "",
               "passes through the training set so far (text: tokens seen / tokens); missing where "
               "every example is fresh"},
    ColumnInfo{"rate", "", "learning rate of the last update: lr by the schedule"},
    ColumnInfo{"grad_norm", "", "mean gradient norm since the row before, before clipping"},
    ColumnInfo{
        "feature_rms",
        "",
        "root mean square of the residual stream after the last block, on held-out examples; "
        "the same for every width where initialisation and learning rates are right"},
    ColumnInfo{"block_rms", "", "the same after each block, first|second|..."},
    ColumnInfo{"flops_linear",
               "FLOPs/example",
               "part of flops in linear layers, all but the head; the parts add up to flops"},
    ColumnInfo{"flops_attention", "FLOPs/example", "part of flops in attention: the full square"},
    ColumnInfo{"flops_head", "FLOPs/example", "part of flops in the last linear layer"},
    ColumnInfo{"flops_other", "FLOPs/example", "part of flops in layer norms"},
    ColumnInfo{"params_linear", "", "weights of the layers of flops_linear, without biases"},
    ColumnInfo{"activation_bytes",
               "bytes",
               "activations that one thread works on at a time, kept for the backward pass; more "
               "examples per step take no more"},
    ColumnInfo{"weight_bytes", "bytes", "all trainable numbers, once"},
    ColumnInfo{"experts_effective",
               "experts",
               "mixtures of experts: exp of the entropy of the experts' shares of the held-out "
               "tokens, mean over gates; as many as there are experts where all are used alike"},
    ColumnInfo{"expert_load_min",
               "",
               "least share of the held-out tokens of any expert, 1 being even; 0 is an expert "
               "that no token chooses"},
    ColumnInfo{"expert_load_max", "", "the largest of the same; experts / active at most"},
    ColumnInfo{"reason", "", "why the run failed; such a run has one row, without a loss"},
};

constexpr std::array kRanking = {
    ColumnInfo{"rank", "", "place in the order of --rank-by (1: best); missing without a law"},
    ColumnInfo{"structure", "", "structure of the layers"},
    ColumnInfo{"family", "", "dense, low-rank, kronecker, tt, monarch, btt or generic"},
    ColumnInfo{"theta", "", "exponents (alpha|beta|gamma|delta|epsilon|phi|rho)"},
    ColumnInfo{"omega", "", "parameter sharing: FLOPs / params = d^omega"},
    ColumnInfo{"psi", "", "rank = d^psi (1: full)"},
    ColumnInfo{"nu", "", "how structured: FLOPs = d^(1 + nu) (1: as dear as dense)"},
    ColumnInfo{"params", "", "all trainable numbers of the model at the largest width"},
    ColumnInfo{"flops", "FLOPs/example", "forward FLOPs of the model at the largest width"},
    ColumnInfo{"n_runs", "", "runs that the frontier was read from"},
    ColumnInfo{"n_widths", "", "different widths among them"},
    ColumnInfo{"n_diverged", "", "runs left out because they diverged"},
    ColumnInfo{"points", "", "kind of the frontier's points: constant, annealed or mixed"},
    ColumnInfo{"n_points", "", "points of the frontier: budgets that the envelope is read at"},
    ColumnInfo{"n_dropped_smallest", "", "budgets dropped because the smallest width was best"},
    ColumnInfo{"n_dropped_largest", "", "budgets dropped because the largest width was best"},
    ColumnInfo{"min_compute", "FLOPs", "fitted range: least training compute"},
    ColumnInfo{"max_compute", "FLOPs", "fitted range: most training compute"},
    ColumnInfo{"decades", "", "powers of ten of compute that the fitted range covers"},
    ColumnInfo{"exponent", "", "b of the law loss = offset + prefactor (C / C0)^-b"},
    ColumnInfo{"exponent_low", "", "lower end of its 95 % interval, by bootstrap over runs"},
    ColumnInfo{"exponent_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"exponent_se", "", "its standard error, by bootstrap over runs"},
    ColumnInfo{"ols_stderr", "", "its standard error by least squares; --frontier hull only"},
    ColumnInfo{"prefactor", "", "loss above the offset at C0"},
    ColumnInfo{"reference_compute", "FLOPs", "C0: geometric mean compute of the frontier"},
    ColumnInfo{"offset", "", "irreducible loss of the law; the same as irreducible_loss"},
    ColumnInfo{
        "rms_residual",
        "",
        "root mean square of log loss about the law; --frontier hull: of log(loss - offset)"},
    ColumnInfo{"status",
               "",
               "of the fit: converged, few_widths, bound_hit, no_curvature, max_iter, "
               "restarts_disagree, too_few_points or not_falling"},
    ColumnInfo{"last_loss", "", "mean final loss of the runs at the largest width"},
    ColumnInfo{"target_compute", "FLOPs", "training compute that predictions are made for"},
    ColumnInfo{"predicted_loss", "", "loss of the law at the target compute"},
    ColumnInfo{"predicted_loss_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"predicted_loss_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"baseline", "", "structure that multipliers compare with"},
    ColumnInfo{
        "multiplier", "", "compute the baseline needs for this loss, per compute needed here"},
    ColumnInfo{
        "multiplier_low", "", "lower end of its 95 % interval, by bootstrap over both's runs"},
    ColumnInfo{"multiplier_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"compute_ratio", "", "1 / multiplier: part of the baseline's compute needed here"},
    ColumnInfo{"compute_ratio_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"compute_ratio_high", "", "upper end of its 95 % interval"},
    ColumnInfo{
        "extrapolated_by", "", "factor of compute outside a fitted range; missing inside both"},
    ColumnInfo{"verdict", "", "what the interval of the multiplier says, in words"},
    ColumnInfo{"rank_low", "", "best rank of the 95 % interval, all comparisons at once"},
    ColumnInfo{"rank_high", "", "worst rank of the 95 % interval"},
    ColumnInfo{"p_best", "", "probability of being the best in the order of --rank-by"},
    ColumnInfo{"p_beats_baseline", "", "probability of a multiplier above 1"},
    ColumnInfo{"p_within_5_percent", "", "probability of a multiplier from 1 / 1.05 to 1.05"},
    ColumnInfo{"evidence",
               "",
               "widths, fewest seeds of a width, decades and status: C converged, F few_widths, B "
               "bound_hit, N no_curvature, M max_iter, R restarts_disagree, T too_few_points, U "
               "not_falling"},
    ColumnInfo{
        "irreducible", "", "whose irreducible loss: shared by all structures, zero, own or given"},
    ColumnInfo{"irreducible_loss", "", "E of the law E + prefactor (C / C0)^-exponent"},
    ColumnInfo{"irreducible_loss_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"irreducible_loss_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"irreducible_loss_low_80", "", "lower end of its 80 % interval"},
    ColumnInfo{"irreducible_loss_high_80", "", "upper end of its 80 % interval"},
    ColumnInfo{"exponent_low_80", "", "lower end of the exponent's 80 % interval"},
    ColumnInfo{"exponent_high_80", "", "upper end of the exponent's 80 % interval"},
    ColumnInfo{"exponent_shrunk",
               "",
               "exponent drawn towards the other structures' as far as its noise deserves"},
    ColumnInfo{"exponent_jackknife_se",
               "",
               "standard error of the exponent by leaving out one run at a time, E kept"},
    ColumnInfo{"prefactor_low", "", "lower end of the prefactor's 95 % interval"},
    ColumnInfo{"prefactor_high", "", "upper end of the prefactor's 95 % interval"},
    ColumnInfo{"prefactor_low_80", "", "lower end of the prefactor's 80 % interval"},
    ColumnInfo{"prefactor_high_80", "", "upper end of the prefactor's 80 % interval"},
    ColumnInfo{"predicted_loss_low_80", "", "lower end of the predicted loss's 80 % interval"},
    ColumnInfo{"predicted_loss_high_80", "", "upper end of the predicted loss's 80 % interval"},
    ColumnInfo{"predicted_loss_shrunk", "", "loss at the target of the shrunk law"},
    ColumnInfo{"multiplier_low_80", "", "lower end of the multiplier's 80 % interval"},
    ColumnInfo{"multiplier_high_80", "", "upper end of the multiplier's 80 % interval"},
    ColumnInfo{"multiplier_shrunk", "", "multiplier of the shrunk laws"},
    ColumnInfo{
        "multiplier_status",
        "",
        "inside, extrapolated, or below_baseline_floor: the baseline's law never gets there"},
    ColumnInfo{"leave_largest_out_error",
               "",
               "mean |log law - log loss| of the largest width by the law of the others"},
    ColumnInfo{"last_loss_rank", "", "rank by last_loss alone: the baseline for any ranking"},
    ColumnInfo{"last_loss_tau", "", "Kendall's tau of this order and that of last_loss"},
    ColumnInfo{"n_seeds", "", "fewest sound runs at any width"},
    ColumnInfo{"huber_delta", "", "residual of log loss beyond which it counts linearly"},
    ColumnInfo{"objective", "", "least value of the objective, over all laws that share E"},
    ColumnInfo{"degrees_of_freedom", "", "points of the frontier minus parameters of the law"},
    ColumnInfo{
        "p_undominated", "", "probability that nobody dominates it by the criteria of --pareto"},
    ColumnInfo{"prefactor_shrunk", "", "prefactor of the shrunk law"},
    ColumnInfo{"tuning", "", "with --check: pass, weak, fail or not run, as einsearch check says"},
};

constexpr std::array kFrontier = {
    ColumnInfo{"structure", "", "structure of the layers"},
    ColumnInfo{"run", "", "identity of the run that supplied the point"},
    ColumnInfo{"width", "features", "width of that run"},
    ColumnInfo{"points", "", "kind of the point: constant, annealed or mixed"},
    ColumnInfo{"train_flops", "FLOPs", "training compute"},
    ColumnInfo{"loss", "", "loss of the frontier"},
    ColumnInfo{"law_loss", "", "loss of the fitted law; missing without one"},
};

constexpr std::array kLadder = {
    ColumnInfo{"flops_exponent_min", "", "least d log(FLOPs) / d log(width) between widths"},
    ColumnInfo{"flops_exponent_max", "", "largest of the same; 1 + nu without rounding"},
    ColumnInfo{"flops_exponent_spread", "", "their difference"},
    ColumnInfo{"params_exponent_min", "", "least d log(params) / d log(width) between widths"},
    ColumnInfo{"params_exponent_max", "", "largest of the same; 1 + nu - omega without rounding"},
    ColumnInfo{"params_exponent_spread", "", "their difference"},
    ColumnInfo{"rank_exponent_min", "", "least d log(rank) / d log(width) between widths"},
    ColumnInfo{"rank_exponent_max", "", "largest of the same; psi without rounding"},
    ColumnInfo{"rank_exponent_spread", "", "their difference"},
    ColumnInfo{"ladder_rounding_error", "octaves", "largest rounding_error at these widths"},
};

constexpr std::array kSuggestion = {
    ColumnInfo{"width", "features", "proposed width of the model"},
    ColumnInfo{"flops_exponent_deviation",
               "",
               "largest |local FLOPs exponent - (1 + nu)| of any structure from the width before"},
};

constexpr std::array kBench = {
    ColumnInfo{"name", "", "what is measured, see einsearch bench --help"},
    ColumnInfo{"structure", "", "structure of the layers; missing where none plays a part"},
    ColumnInfo{"width", "features", "width of the residual stream: layers are w -> 4w -> w"},
    ColumnInfo{"batch",
               "examples",
               "examples per step; gpt_step: tokens, cut down to sequences of 128, at least one"},
    ColumnInfo{"threads", "", "threads"},
    ColumnInfo{"isa", "", "instruction set of the kernels: v3 (AVX2) or v4 (AVX-512)"},
    ColumnInfo{"ms_per_step", "ms", "time of one pass over the batch, or of one training step"},
    ColumnInfo{"gflops",
               "GFLOP/s",
               "2 FLOPs per multiply-accumulate of linear layers, 6 in a whole layer or step"},
    ColumnInfo{"fraction_of_peak", "", "of peak_fma, measured beside this row in turn"},
    ColumnInfo{"time_per_flop_vs_dense", "", "time per FLOP over that of dense, measured in turn"},
    ColumnInfo{"ns_per_element", "ns", "time of one thread per number: time x threads / numbers"},
    ColumnInfo{"activation_mib", "MiB", "activations that one thread works on at a time"},
    ColumnInfo{"gb_per_s", "GB/s", "memory traffic: two arrays read, one written"},
};

constexpr std::array kPeer = {
    ColumnInfo{"peer_ms_per_step", "ms", "time of the fastest such row of --peer"},
    ColumnInfo{"speedup_vs_peer", "", "peer_ms_per_step / ms_per_step: above 1 is faster here"},
};

constexpr std::array kPlan = {
    ColumnInfo{"structure", "", "structure of the layers"},
    ColumnInfo{"family", "", "dense, low-rank, kronecker, tt, monarch, btt or generic"},
    ColumnInfo{"theta", "", "exponents (alpha|beta|gamma|delta|epsilon|phi|rho)"},
    ColumnInfo{"width", "features", "width of the model"},
    ColumnInfo{"depth", "", "residual blocks of the model"},
    ColumnInfo{"params", "", "all trainable numbers of the model"},
    ColumnInfo{"flops", "FLOPs/example", "forward FLOPs of the model; of sequences, per token"},
    ColumnInfo{"batch", "examples", "examples per step"},
    ColumnInfo{"schedule", "", "constant, linear, cosine or wsd"},
    ColumnInfo{"steps", "", "updates of a run"},
    ColumnInfo{"runs", "", "runs of this scale: rates and seeds"},
    ColumnInfo{"train_flops", "FLOPs", "training compute of all of them, each from its beginning"},
    ColumnInfo{"memory_mib", "MiB", "memory of one of them on one thread"},
    ColumnInfo{"decades_shared",
               "",
               "powers of ten of compute that this structure's scales and dense's both span"},
    ColumnInfo{"time_s", "s", "expected time of all of them on one thread of this machine"},
};

constexpr std::array kStatus = {
    ColumnInfo{"structure", "", "structure of the layers"},
    ColumnInfo{"planned", "", "runs of the sweeps that wrote here"},
    ColumnInfo{"done", "", "runs in the store"},
    ColumnInfo{"diverged", "", "of those, runs whose loss stopped being finite"},
    ColumnInfo{"failed", "", "of those, runs that ended without a curve"},
    ColumnInfo{"in_work", "", "runs that a sweep has begun and not ended"},
    ColumnInfo{"best_loss", "", "least final loss"},
};

constexpr std::array kTuning = {
    ColumnInfo{"structure", "", "structure of the layers"},
    ColumnInfo{"family", "", "dense, low-rank, kronecker, tt, monarch, btt or generic"},
    ColumnInfo{"widths", "", "different widths of the runs at the usual rate and batch"},
    ColumnInfo{"lr", "", "the usual rate: what most runs have, at the largest width"},
    ColumnInfo{"lr_widths", "", "widths with runs at three rates or more"},
    ColumnInfo{"lr_inside", "", "of those, widths at which the best rate is not an end"},
    ColumnInfo{"lr_range",
               "",
               "pass: inside at all of two widths or more; fail: at none, and lr_regained_check "
               "fails; else weak"},
    ColumnInfo{"lr_drift", "", "exponent of the best rate in the width: the best ~ width^lr_drift"},
    ColumnInfo{"lr_drift_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"lr_drift_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"lr_drift_check",
               "",
               "pass up to 0.5 or where no width regains more than 0.02, fail beyond 0.8 with the "
               "interval beyond 0.5, else weak"},
    ColumnInfo{"lr_width", "features", "the largest width with three rates or more"},
    ColumnInfo{"lr_best_factor",
               "",
               "best rate there over the usual one, by a parabola through the best three"},
    ColumnInfo{"lr_best_factor_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"lr_best_factor_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"lr_regained", "", "part of the loss that this rate saves"},
    ColumnInfo{"lr_regained_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"lr_regained_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"lr_regained_check",
               "",
               "pass up to 0.02, fail beyond 0.06 with the interval beyond 0.02, else weak"},
    ColumnInfo{
        "rms_exponent",
        "",
        "exponent of block_rms in the width, of the block where it is largest, at a tenth of the "
        "examples that all widths see"},
    ColumnInfo{"rms_exponent_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"rms_exponent_high", "", "upper end of its 95 % interval"},
    ColumnInfo{
        "rms_check", "", "pass up to 0.2, fail beyond 0.4 with the interval beyond 0.2, else weak"},
    ColumnInfo{"collapse",
               "",
               "root mean square of log deviations between widths of loss over final loss, from "
               "0.1 to 0.9 of the training at a constant rate"},
    ColumnInfo{"collapse_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"collapse_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"collapse_check",
               "",
               "pass up to 0.2, fail beyond 0.4 with the interval beyond 0.2, else weak"},
    ColumnInfo{"scatter", "", "deviation between seeds of final log loss"},
    ColumnInfo{"scatter_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"scatter_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"scatter_check",
               "",
               "pass up to 0.1, fail beyond 0.3 with the interval beyond 0.1, else weak"},
    ColumnInfo{"batch_width", "features", "the largest width with runs at three batches or more"},
    ColumnInfo{"batch_best", "examples", "best batch there, at equal compute and rate"},
    ColumnInfo{"batch_regained", "", "part of the loss that this batch saves"},
    ColumnInfo{"batch_regained_low", "", "lower end of its 95 % interval"},
    ColumnInfo{"batch_regained_high", "", "upper end of its 95 % interval"},
    ColumnInfo{"batch_check", "", "as lr_regained_check"},
    ColumnInfo{"tuning",
               "",
               "the worst of the checks: pass, weak or fail; not run without runs at three rates"},
};

constexpr std::array kSelftest = {
    ColumnInfo{"check", "", "kernel, gradient or training that is checked"},
    ColumnInfo{"isa", "", "instruction set of the kernels: v3 (AVX2) or v4 (AVX-512)"},
    ColumnInfo{"worst_error", "", "largest error, relative to the size of what is summed"},
    ColumnInfo{"tolerance", "", "largest error that passes"},
    ColumnInfo{"status", "", "ok or failed"},
    ColumnInfo{"signature", "", "digest of trained numbers: the same for every machine"},
};

constexpr std::array kInspect = {
    ColumnInfo{"flops_a_first", "FLOPs/sample", "forward FLOPs with factor A applied first"},
    ColumnInfo{"flops_b_first", "FLOPs/sample", "forward FLOPs with factor B applied first"},
    ColumnInfo{"fan_order", "", "order that initialisation and learning rates follow"},
    ColumnInfo{"einsum_step1", "", "first step in the executed order"},
    ColumnInfo{"einsum_step2", "", "second step in the executed order"},
    ColumnInfo{"a_fan_in",
               "",
               "numbers that factor A (or the dense matrix) sums into each of its outputs"},
    ColumnInfo{"a_fan_out", "", "outputs of factor A (or the dense matrix) per input"},
    ColumnInfo{"a_init_std",
               "",
               "standard deviation of the initial entries of factor A (or the dense matrix)"},
    ColumnInfo{"a_lr_adam",
               "",
               "learning rate of factor A (or the dense matrix) over that of a dense layer, Adam"},
    ColumnInfo{"a_lr_sgd",
               "",
               "learning rate of factor A (or the dense matrix) over that of a dense layer, SGD"},
    ColumnInfo{"b_fan_in", "", "numbers that factor B sums into each of its outputs"},
    ColumnInfo{"b_fan_out", "", "outputs of factor B per input"},
    ColumnInfo{"b_init_std", "", "standard deviation of the initial entries of factor B"},
    ColumnInfo{"b_lr_adam", "", "learning rate of factor B over that of a dense layer, Adam"},
    ColumnInfo{"b_lr_sgd", "", "learning rate of factor B over that of a dense layer, SGD"},
    ColumnInfo{"exact_rank", "", "rank of a random draw of the factors; with --exact-rank"},
};

constexpr std::array kSearch = {
    ColumnInfo{"rank", "", "place among the confirmed, by multiplier; missing: not confirmed"},
    ColumnInfo{"structure", "", "structure of the layers"},
    ColumnInfo{"family", "", "dense, low-rank, kronecker, tt, monarch, btt or generic"},
    ColumnInfo{"theta", "", "exponents (alpha|beta|gamma|delta|epsilon|phi|rho)"},
    ColumnInfo{"omega", "", "parameter sharing"},
    ColumnInfo{"psi", "", "rank = d^psi (1: full)"},
    ColumnInfo{"nu", "", "FLOPs = d^(1 + nu) (1: as dear as dense)"},
    ColumnInfo{"width", "features", "width of the model at the largest scale"},
    ColumnInfo{"params", "", "trainable numbers of that model"},
    ColumnInfo{"multiplier",
               "",
               "compute that dense needs for this structure's loss over the structure's own, from "
               "confirmation runs alone"},
    ColumnInfo{"multiplier_low",
               "",
               "95 % interval, lower end: for all finalists at once, since the winner is picked"},
    ColumnInfo{"multiplier_high", "", "95 % interval, upper end"},
    ColumnInfo{"p_best", "", "probability of being the best of the confirmed and dense"},
    ColumnInfo{"p_beats_dense", "", "probability of needing less compute than dense"},
    ColumnInfo{"confirmed_at", "FLOPs", "training compute of dense's confirmation runs"},
    ColumnInfo{"loss", "", "mean held-out loss of the confirmation runs at the largest scale"},
    ColumnInfo{"selection_multiplier",
               "",
               "multiplier over dense at the target as the selection predicts it, slopes shrunk; "
               "the best of many is overstated here"},
    ColumnInfo{"selection_low", "", "its 95 % interval, lower end"},
    ColumnInfo{"selection_high", "", "its 95 % interval, upper end"},
    ColumnInfo{"selection_loss", "", "loss that the selection predicts at the target"},
    ColumnInfo{"lr_factor", "", "times the rule's learning rate: the best of those tried"},
    ColumnInfo{"lr_edge", "", "1: the best rate is at an end of those tried"},
    ColumnInfo{"tuning", "", "pass, weak, fail or not run: its check, as `check` makes it"},
    ColumnInfo{"scales", "", "scales that the selection has trained it at"},
    ColumnInfo{"train_flops", "FLOPs", "training compute that the search has spent on it"},
    ColumnInfo{"origin",
               "",
               "empty: the space; control: the prior would have removed it; off the lattice, from "
               "NAME; or surrogate, near NAME"},
    ColumnInfo{"left_at", "", "stage at which it was dropped"},
    ColumnInfo{"reason", "", "why"},
    ColumnInfo{"verdict", "", "what the confirmation says, all finalists taken together"},
};

constexpr std::array kSearchPlan = {
    ColumnInfo{"stage", "", "search, or confirmation at the two largest scales"},
    ColumnInfo{"width", "features", "width of dense at this scale"},
    ColumnInfo{"steps", "", "updates of a run"},
    ColumnInfo{"structures", "", "structures that get so far, with dense; ties not counted"},
    ColumnInfo{"runs", "", "their runs: rates and seeds"},
    ColumnInfo{"train_flops", "FLOPs", "training compute of all of them"},
};

constexpr std::array kDecision = {
    ColumnInfo{"stage", "", "of the search"},
    ColumnInfo{"structure", "", "whom it is about"},
    ColumnInfo{"action",
               "",
               "promoted, tie (promoted too), dropped, diverged, failed, hopeless, rate, lr_edge, "
               "finalist, not confirmed"},
    ColumnInfo{"reason", "", "in words"},
    ColumnInfo{"predicted_loss", "", "at the target, from the runs so far"},
    ColumnInfo{"p_top", "", "probability of being among those who go on"},
};

constexpr std::array kReplay = {
    ColumnInfo{"strategy", "", "how structures were chosen"},
    ColumnInfo{"runs", "", "runs that the strategy would have trained"},
    ColumnInfo{"cost_share", "", "their compute over that of all runs of as many seeds"},
    ColumnInfo{"regret", "", "compute that the chosen structure needs over what the best needs"},
    ColumnInfo{"tau", "", "Kendall's tau of the strategy's order and the true one"},
    ColumnInfo{"top_1", "", "share of replays in which the best was chosen"},
    ColumnInfo{"recall", "", "share of the true k best among the strategy's k best"},
    ColumnInfo{"k", "", "of the recall"},
    ColumnInfo{"chosen", "", "the structure that it put first, by seed"},
};

}  // namespace

std::span<const ColumnInfo> structure_columns() { return kStructure; }
std::span<const ColumnInfo> curve_columns() { return kCurve; }
std::span<const ColumnInfo> ranking_columns() { return kRanking; }
std::span<const ColumnInfo> frontier_columns() { return kFrontier; }

std::span<const ColumnInfo> ladder_columns() { return kLadder; }
std::span<const ColumnInfo> suggestion_columns() { return kSuggestion; }

std::span<const ColumnInfo> bench_columns() { return kBench; }
std::span<const ColumnInfo> peer_columns() { return kPeer; }

std::span<const ColumnInfo> plan_columns() { return kPlan; }
std::span<const ColumnInfo> status_columns() { return kStatus; }

std::span<const ColumnInfo> tuning_columns() { return kTuning; }
std::span<const ColumnInfo> search_columns() { return kSearch; }
std::span<const ColumnInfo> search_plan_columns() { return kSearchPlan; }
std::span<const ColumnInfo> decision_columns() { return kDecision; }
std::span<const ColumnInfo> replay_columns() { return kReplay; }

std::span<const ColumnInfo> selftest_columns() { return kSelftest; }

std::span<const ColumnInfo> inspect_columns() { return kInspect; }

std::vector<std::string> column_names(std::span<const ColumnInfo> columns) {
  std::vector<std::string> names;
  for (const ColumnInfo& column : columns) names.emplace_back(column.name);
  return names;
}

}  // namespace einsearch
