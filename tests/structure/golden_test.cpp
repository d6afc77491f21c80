#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "golden.h"
#include "structure/factor_rule.h"
#include "structure/layer_shape.h"
#include "structure/notation.h"
#include "structure/taxonomy.h"

using namespace einsearch;

namespace {

Structure structure_in(const CsvRecord& record) {
  const std::string& theta = record.at("theta");
  return parse_structure(theta.empty() ? record.at("name") : theta);
}

Count count_in(const CsvRecord& record, const char* column) {
  return static_cast<Count>(std::stod(record.at(column)));
}

void check_factor(const FactorRule& rule, const CsvRecord& record, const std::string& prefix) {
  CAPTURE(prefix);
  CHECK(rule.fan_in == count_in(record, (prefix + "_d_in").c_str()));
  CHECK(rule.fan_out == count_in(record, (prefix + "_d_out").c_str()));
  const auto near = [&](const char* column) {
    return doctest::Approx(std::stod(record.at(prefix + column))).epsilon(1e-15);
  };
  CHECK(rule.init_std == near("_init_std"));
  CHECK(rule.lr_adam == near("_lr_mult_adam"));
  CHECK(rule.lr_sgd == near("_lr_mult_sgd"));
}

void check_sizes(const Sizes& sizes, const CsvRecord& record) {
  CHECK(sizes.n_alpha == count_in(record, "n_alpha"));
  CHECK(sizes.n_beta == count_in(record, "n_beta"));
  CHECK(sizes.n_gamma == count_in(record, "n_gamma"));
  CHECK(sizes.n_delta == count_in(record, "n_delta"));
  CHECK(sizes.n_epsilon == count_in(record, "n_eps"));
  CHECK(sizes.n_phi == count_in(record, "n_phi"));
  CHECK(sizes.n_rho == count_in(record, "n_rho"));
  CHECK(sizes.pad_in() == count_in(record, "pad_in"));
  CHECK(sizes.pad_out() == count_in(record, "pad_out"));
}

}  // namespace

TEST_CASE("golden taxonomy: omega, psi and nu agree to 1e-12") {
  const auto path = find_golden("taxonomy.csv");
  if (!path) return;
  for (const CsvRecord& record : read_csv_records(*path)) {
    CAPTURE(record.at("name"));
    const Taxonomy found = taxonomy(structure_in(record).theta);
    CHECK(std::abs(found.omega - std::stod(record.at("omega"))) < 1e-12);
    CHECK(std::abs(found.psi - std::stod(record.at("psi"))) < 1e-12);
    CHECK(std::abs(found.nu - std::stod(record.at("nu"))) < 1e-12);
  }
}

TEST_CASE("golden dims: sizes, padding, parameters, FLOPs, fans, scales, rates and ranks agree") {
  const auto path = find_golden("dims.csv");
  if (!path) return;
  for (const CsvRecord& record : read_csv_records(*path)) {
    CAPTURE(record.at("name"));
    CAPTURE(record.at("d_in"));
    CAPTURE(record.at("d_out"));
    const Structure structure = structure_in(record);
    const Widths widths{count_in(record, "d_in"), count_in(record, "d_out")};
    const Sizes sizes = paper_sizes(structure.theta, widths);
    CHECK(is_padding_accepted(sizes, widths) == record.at("pad_error").empty());
    const LayerShape shape = shape_of(structure, sizes, widths, OrderRule::a_first);
    if (!shape.is_dense) check_sizes(shape.sizes, record);
    CHECK(shape.params == count_in(record, "params"));
    CHECK(shape.flops == 2 * count_in(record, "flops_per_row_ref"));
    const std::vector<FactorRule> rules = factor_rules(shape);
    CHECK(static_cast<Count>(rules.size()) == count_in(record, "num_mats"));
    check_factor(rules[0], record, "core0");
    if (rules.size() == 2) check_factor(rules[1], record, "core1");
    if (!record.at("rank_numeric").empty()) {
      CHECK(count_in(record, "rank_numeric") <= shape.rank);
    }
  }
}

TEST_CASE(
    "golden feasibility: padding of w -> w, w -> 4w and 4w -> w is refused in the same cases") {
  const auto path = find_golden("feasibility.csv");
  if (!path) return;
  for (const CsvRecord& record : read_csv_records(*path)) {
    CAPTURE(record.at("task"));
    CAPTURE(record.at("name"));
    CAPTURE(record.at("width"));
    const Structure structure = structure_in(record);
    if (structure.is_dense) continue;
    const Index width = count_in(record, "width");
    double largest = 0;
    bool is_feasible = true;
    for (const Widths& widths :
         {Widths{width, width}, Widths{width, 4 * width}, Widths{4 * width, width}}) {
      if (record.at("task") == "mlp" && widths.d_in == widths.d_out) continue;
      const Sizes sizes = paper_sizes(structure.theta, widths);
      largest = std::max(
          {largest, padding(sizes.pad_in(), widths.d_in), padding(sizes.pad_out(), widths.d_out)});
      is_feasible = is_feasible && is_padding_accepted(sizes, widths);
    }
    CHECK(std::abs(largest - std::stod(record.at("max_rel_pad"))) < 5.1e-5);
    CHECK(is_feasible == (record.at("feasible") == "True"));
  }
}
