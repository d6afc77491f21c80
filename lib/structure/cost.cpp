#include "structure/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <ostream>

#include "base/checked.h"
#include "base/error.h"

namespace einsearch {
namespace {

constexpr double kRelativeTolerance = 1e-9;

[[noreturn]] void throw_overflow(const char* what, const Sizes& s) {
  throw Error(fmt::format("{} overflow", what),
              {.where = fmt::format("sizes ({}|{}|{}|{}|{}|{}|{})",
                                    s.n_alpha,
                                    s.n_beta,
                                    s.n_gamma,
                                    s.n_delta,
                                    s.n_epsilon,
                                    s.n_phi,
                                    s.n_rho),
               .expected = fmt::format("at most {}", std::numeric_limits<Count>::max()),
               .hint = "smaller widths"});
}

struct UnroundedMacs {
  double a_first;
  double b_first;
};

UnroundedMacs macs_of(const UnroundedSizes& s) {
  const double shared = s.gamma * s.phi * s.rho;
  return {shared * s.beta * s.delta * (s.alpha + s.epsilon),
          shared * s.alpha * s.epsilon * (s.beta + s.delta)};
}

}  // namespace

const char* to_string(Order order) { return order == Order::a_first ? "a-first" : "b-first"; }

const char* to_string(OrderRule rule) {
  constexpr std::array<const char*, 3> kNames = {"cheaper", "a-first", "b-first"};
  return kNames[static_cast<std::size_t>(rule)];
}

OrderRule parse_order_rule(std::string_view text) {
  for (const OrderRule rule : {OrderRule::cheaper, OrderRule::a_first, OrderRule::b_first}) {
    if (text == to_string(rule)) return rule;
  }
  throw Error("unknown order",
              {.expected = "cheaper, a-first or b-first", .got = std::string(text)});
}

std::ostream& operator<<(std::ostream& out, Order order) { return out << to_string(order); }

Count parameter_count(const Sizes& s) {
  const auto a = checked_product(s.n_alpha, s.n_gamma, s.n_delta, s.n_phi, s.n_rho);
  const auto b = checked_product(s.n_beta, s.n_gamma, s.n_epsilon, s.n_phi, s.n_rho);
  const auto sum = a && b ? checked_add(*a, *b) : std::nullopt;
  if (!sum) throw_overflow("parameters", s);
  return *sum;
}

std::optional<Count> try_multiply_accumulates(const Sizes& s, Order order) {
  const bool is_a_first = order == Order::a_first;
  const std::optional<Count> cut =
      is_a_first ? checked_product(s.n_beta, s.n_gamma, s.n_delta, s.n_phi, s.n_rho)
                 : checked_product(s.n_alpha, s.n_gamma, s.n_epsilon, s.n_phi, s.n_rho);
  if (!cut) return std::nullopt;
  return checked_multiply(*cut, is_a_first ? s.n_alpha + s.n_epsilon : s.n_beta + s.n_delta);
}

Count multiply_accumulates(const Sizes& sizes, Order order) {
  const std::optional<Count> macs = try_multiply_accumulates(sizes, order);
  if (!macs) throw_overflow("multiply-accumulates", sizes);
  return *macs;
}

double approximate_macs(const Sizes& sizes, Order order) {
  const auto product = [](std::initializer_list<Index> factors) {
    double value = 1;
    for (const Index n : factors) value *= static_cast<double>(n);
    return value;
  };
  const Sizes& s = sizes;
  if (order == Order::a_first) {
    return product({s.n_beta, s.n_gamma, s.n_delta, s.n_phi, s.n_rho, s.n_alpha + s.n_epsilon});
  }
  return product({s.n_alpha, s.n_gamma, s.n_epsilon, s.n_phi, s.n_rho, s.n_beta + s.n_delta});
}

Order cheaper_order(const Sizes& sizes) {
  const std::optional<Count> a_first = try_multiply_accumulates(sizes, Order::a_first);
  const std::optional<Count> b_first = try_multiply_accumulates(sizes, Order::b_first);
  const bool is_b_cheaper = b_first && (!a_first || *b_first < *a_first);
  return is_b_cheaper ? Order::b_first : Order::a_first;
}

Order choose_order(const Sizes& sizes, OrderRule rule) {
  if (rule == OrderRule::cheaper) return cheaper_order(sizes);
  return rule == OrderRule::a_first ? Order::a_first : Order::b_first;
}

Count rank_bound(const Sizes& s, Index d_in, Index d_out) {
  const Count none = std::numeric_limits<Count>::max();  // a cut that overflows bounds nothing
  const Count cut_a =
      checked_product(s.n_beta, s.n_gamma, s.n_delta, s.n_phi, s.n_rho).value_or(none);
  const Count cut_b =
      checked_product(s.n_alpha, s.n_gamma, s.n_epsilon, s.n_phi, s.n_rho).value_or(none);
  return std::min({Count{d_in}, Count{d_out}, s.pad_in(), s.pad_out(), cut_a, cut_b});
}

UnroundedSizes unrounded_sizes(const Theta& theta, const Widths& widths) {
  const double d_in = static_cast<double>(widths.d_in);
  const double d_out = static_cast<double>(widths.d_out);
  return {std::pow(d_in, theta.alpha),
          std::pow(d_in, theta.beta),
          std::pow(d_in, theta.gamma),
          std::pow(d_out, theta.delta),
          std::pow(d_out, theta.epsilon),
          std::pow(d_out, theta.phi),
          widths.fixed_n_rho ? static_cast<double>(*widths.fixed_n_rho)
                             : std::pow(std::min(d_in, d_out), theta.rho)};
}

double unrounded_macs(const UnroundedSizes& sizes) {
  const UnroundedMacs macs = macs_of(sizes);
  return std::min(macs.a_first, macs.b_first);
}

Order unrounded_order(const UnroundedSizes& sizes) {
  const UnroundedMacs macs = macs_of(sizes);
  return macs.b_first < macs.a_first * (1 - kRelativeTolerance) ? Order::b_first : Order::a_first;
}

}  // namespace einsearch
