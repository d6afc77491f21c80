// einsearch inspect: everything about one structure at one size.
#include <fmt/format.h>

#include <cstdio>

#include "arguments.h"
#include "base/checked.h"
#include "base/error.h"
#include "command.h"
#include "io/columns.h"
#include "io/parity_case.h"
#include "output.h"
#include "structure/code.h"
#include "structure/einsum.h"
#include "structure/exact_rank.h"
#include "structure/factor_rule.h"
#include "structure/notation.h"
#include "structure/torch_module.h"
#include "structure_table.h"

namespace einsearch {
namespace {

struct InspectArguments {
  std::string structure;
  Count d_in = 0;
  Count d_out = 0;
  std::string rounding = "exact";
  std::string order = "cheaper";
  bool exact_rank = false;
  std::string code;
  bool wants_module = false, has_weight_norm = false;
  std::string parity;  // file; empty: none
  OutputOptions output;
};

/// Everything that is printed, in either form.
struct Inspection {
  Candidate candidate;
  Widths widths;
  std::vector<FactorRule> factors;
  std::optional<Count> exact_rank;

  const LayerShape& shape() const { return candidate.shape; }
};

Inspection look(const InspectArguments& arguments) {
  const Structure structure = parse_structure(arguments.structure);
  const ResolveOptions options{parse_rounding(arguments.rounding),
                               parse_order_rule(arguments.order)};
  const WidthResolver resolver(arguments.d_in, arguments.d_out, options);
  Inspection inspection;
  inspection.candidate = resolver.at_any_quality(structure);
  inspection.widths = widths_of(structure, arguments.d_in, arguments.d_out);
  validate_padding(inspection.shape().sizes, inspection.widths);
  inspection.factors = factor_rules(inspection.shape());
  if (arguments.exact_rank) inspection.exact_rank = exact_rank(inspection.shape());
  return inspection;
}

double of_dense(Count count, const LayerShape& shape) {
  return static_cast<double>(count) / static_cast<double>(shape.d_in) /
         static_cast<double>(shape.d_out);
}

/// FLOPs in an order, executed or not; nothing for dense, which has no order, and beyond 64 bits.
std::optional<Count> flops_in(const LayerShape& shape, Order order) {
  if (shape.is_dense) return std::nullopt;
  const std::optional<Count> macs = try_multiply_accumulates(shape.sizes, order);
  return macs ? checked_multiply(*macs, 2) : std::nullopt;
}

std::string text_of(std::optional<Count> count) {
  return count ? std::to_string(*count) : "beyond 64 bits";
}

std::string sizes_text(const Inspection& inspection) {
  const LayerShape& shape = inspection.shape();
  const Sizes& s = shape.sizes;
  const UnroundedSizes u = unrounded_sizes(inspection.candidate.theta, inspection.widths);
  std::string text = "            exponent      power    size\n";
  const auto row = [&text](const char* name, double exponent, double power, Index size) {
    text +=
        fmt::format("  {:<9}{:>9}  {:>9.2f}  {:>6}\n", name, exponent_text(exponent), power, size);
  };
  const Theta& t = inspection.candidate.theta;
  row("alpha", t.alpha, u.alpha, s.n_alpha);
  row("beta", t.beta, u.beta, s.n_beta);
  row("gamma", t.gamma, u.gamma, s.n_gamma);
  row("delta", t.delta, u.delta, s.n_delta);
  row("epsilon", t.epsilon, u.epsilon, s.n_epsilon);
  row("phi", t.phi, u.phi, s.n_phi);
  row("rho", t.rho, u.rho, s.n_rho);
  return text;
}

/// " (zero-padded to 1024)" or " (cut to 900)" where the layer changes the number of features.
std::string fit_text(Index from, Index to) {
  if (from == to) return "";
  return fmt::format(" ({} from {} to {})", from < to ? "zero-padded" : "cut", from, to);
}

std::string cost_text(const Inspection& inspection) {
  const LayerShape& shape = inspection.shape();
  const Taxonomy& place = inspection.candidate.taxonomy;
  std::string text;
  text += fmt::format(
      "parameters   {} ({:.4g} of dense)\n", shape.params, of_dense(shape.params, shape));
  text += fmt::format("FLOPs        {} per sample ({:.4g} of dense)\n",
                      shape.flops,
                      of_dense(shape.flops / 2, shape));
  if (!shape.is_dense) {
    text += fmt::format("order        {} (A first {}, B first {})\n",
                        to_string(shape.order),
                        text_of(flops_in(shape, Order::a_first)),
                        text_of(flops_in(shape, Order::b_first)));
  }
  text += fmt::format("rank         at most {}", shape.rank);
  if (inspection.exact_rank) text += fmt::format(", {} of a random draw", *inspection.exact_rank);
  text += fmt::format("\ntaxonomy     omega {:<8.6g}FLOPs / parameters = d^omega\n", place.omega);
  text += fmt::format("             psi   {:<8.6g}rank = d^psi\n", place.psi);
  text += fmt::format("             nu    {:<8.6g}FLOPs = d^(1 + nu)\n", place.nu);
  text += fmt::format("rounding     {:.3g} octaves from theta, drift {:.3g}\n",
                      inspection.candidate.quality.rounding_error,
                      inspection.candidate.quality.theta_drift);
  return text;
}

std::string contraction_text(const LayerShape& shape) {
  std::string text = fmt::format("einsum       {}\n", einsum_text(shape));
  if (shape.is_dense) return text;
  const EinsumSteps steps = einsum_steps(shape);
  const bool is_a_first = shape.order == Order::a_first;
  text += fmt::format("step 1       {}   ({}, x -> z)\n", steps.first, is_a_first ? "A" : "B");
  text += fmt::format("step 2       {}   ({}, z -> y)\n", steps.second, is_a_first ? "B" : "A");
  return text;
}

std::string factors_text(const Inspection& inspection) {
  const LayerShape& shape = inspection.shape();
  std::string text =
      "factor    fan in  fan out   initial std   lr multiplier (Adam)   lr multiplier (SGD)\n";
  for (std::size_t i = 0; i < inspection.factors.size(); ++i) {
    const FactorRule& rule = inspection.factors[i];
    text += fmt::format("  {:<6}{:>8} {:>8}  {:>12.6g}  {:>21.6g}  {:>20.6g}\n",
                        shape.is_dense ? "W" : (i == 0 ? "A" : "B"),
                        rule.fan_in,
                        rule.fan_out,
                        rule.init_std,
                        rule.lr_adam,
                        rule.lr_sgd);
  }
  return text;
}

std::string layout(const Inspection& inspection) {
  const Candidate& candidate = inspection.candidate;
  const LayerShape& shape = inspection.shape();
  std::string text;
  text += fmt::format(
      "structure    {} ({})\n", candidate_name(candidate), to_string(family(candidate)));
  text += fmt::format("theta        {}\n", to_string(candidate.theta));
  text +=
      fmt::format("inputs       {}{}\n", shape.d_in, fit_text(shape.d_in, shape.sizes.pad_in()));
  text += fmt::format(
      "outputs      {}{}\n\n", shape.d_out, fit_text(shape.sizes.pad_out(), shape.d_out));
  text += sizes_text(inspection) + "\n";
  text += cost_text(inspection) + "\n";
  text += contraction_text(shape) + "\n";
  return text + factors_text(inspection);
}

void put_factor(TableWriter& table, const FactorRule* rule) {
  if (rule == nullptr) {
    table.missing().missing().missing().missing().missing();
    return;
  }
  table.cell(rule->fan_in)
      .cell(rule->fan_out)
      .cell(rule->init_std)
      .cell(rule->lr_adam)
      .cell(rule->lr_sgd);
}

void print_row(const Inspection& inspection, TableFormat format, Output& output) {
  std::vector<std::string> names = column_names(structure_columns());
  for (const ColumnInfo& column : inspect_columns()) names.emplace_back(column.name);
  TableWriter table(format, names, output.sink());
  const LayerShape& shape = inspection.shape();
  put_structure(table, inspection.candidate);
  for (const Order order : {Order::a_first, Order::b_first}) {
    const std::optional<Count> flops = flops_in(shape, order);
    flops ? table.cell(*flops) : table.missing();
  }
  table.cell(to_string(shape.fan_order));
  const EinsumSteps steps = einsum_steps(shape);
  shape.is_dense ? table.missing().missing() : table.cell(steps.first).cell(steps.second);
  put_factor(table, &inspection.factors[0]);
  put_factor(table, inspection.factors.size() > 1 ? &inspection.factors[1] : nullptr);
  inspection.exact_rank ? table.cell(*inspection.exact_rank) : table.missing();
  table.end_row();
  table.finish();
}

void warn_if_invalid(const Inspection& inspection) {
  if (inspection.candidate.quality.is_valid()) return;
  fmt::print(stderr,
             "einsearch: warning: sizes at {} x {} are up to {:.1f} octaves from theta, enumerate "
             "and search leave this structure out there\n",
             inspection.widths.d_in,
             inspection.widths.d_out,
             inspection.candidate.quality.rounding_error);
}

std::string code_of(const InspectArguments& arguments, const Candidate& candidate) {
  if (!arguments.wants_module) return layer_code(candidate, parse_code_dialect(arguments.code));
  if (arguments.code != "torch")
    throw Error("--module is for PyTorch", {.expected = "--as torch", .got = arguments.code});
  return torch_module_code(
      {.structure = parse_structure(arguments.structure),
       .resolve = {parse_rounding(arguments.rounding), parse_order_rule(arguments.order)},
       .d_in = arguments.d_in,
       .d_out = arguments.d_out,
       .has_weight_norm = arguments.has_weight_norm,
       .parity_file = arguments.parity});
}

int run(const InspectArguments& arguments) {
  const Inspection inspection = look(arguments);
  Output output(arguments.output.path);
  const TableFormat format = chosen_format(arguments.output);
  if (!arguments.code.empty()) {
    if (!arguments.parity.empty()) {
      write_parity_case(
          arguments.parity,
          inspection.shape(),
          arguments.has_weight_norm,
          {{"structure", arguments.structure}, {"check", parity_check_code(arguments.parity)}});
    }
    output.write(code_of(arguments, inspection.candidate));
  } else if (format == TableFormat::table) {
    output.write(layout(inspection));
  } else {
    print_row(inspection, format, output);
  }
  output.finish();
  warn_if_invalid(inspection);
  return kDone;
}

}  // namespace

void add_inspect(CLI::App& app, Program& program) {
  static InspectArguments arguments;
  CLI::App* command = app.add_subcommand(
      "inspect", "Everything about one structure: sizes, cost, taxonomy, rank, runnable code");
  command->add_option("structure,--structure", arguments.structure, "a name or theta")
      ->type_name("S")
      ->required();
  add_count(*command, "--d-in", arguments.d_in, "inputs of the layer")->required();
  add_count(*command, "--d-out", arguments.d_out, "outputs of the layer")->required();
  command->add_option("--rounding", arguments.rounding, "exact (default) or paper")
      ->type_name("RULE")
      ->check(CLI::IsMember({"exact", "paper"}));
  command->add_option("--order", arguments.order, "cheaper (default), a-first or b-first")
      ->type_name("RULE")
      ->check(CLI::IsMember({"cheaper", "a-first", "b-first"}));
  command->add_flag("--exact-rank",
                    arguments.exact_rank,
                    "rank of a random draw of the factors, over a prime field");
  add_output_options(*command, arguments.output);
  command->add_option("--as", arguments.code, "print runnable code: torch, jax or numpy")
      ->type_name("LIBRARY")
      ->check(CLI::IsMember({"torch", "jax", "numpy"}))
      ->excludes("--exact-rank", "--format");
  CLI::Option* module =
      command
          ->add_flag("--module",
                     arguments.wants_module,
                     "with --as torch: a module of any size, replace_linears(), param_groups()")
          ->needs("--as");
  command->add_flag("--weight-norm", arguments.has_weight_norm, "the module normalises its factors")
      ->needs(module);
  command
      ->add_option(
          "--parity",
          arguments.parity,
          "also write weights, inputs, outputs and gradients of one case, safetensors; the "
          "module's head says how to check them")
      ->type_name("FILE")
      ->needs(module);
  command->callback([&program] { program.run = [] { return run(arguments); }; });
}

}  // namespace einsearch
