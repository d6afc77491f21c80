#include "structure/sizes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <ostream>
#include <tuple>

#include "base/error.h"
#include "structure/cost.h"

namespace einsearch {
namespace {

constexpr double kLargestPadding = 0.15;

Index rounded_power(Index d, double exponent) {
  return static_cast<Index>(std::nearbyint(std::pow(static_cast<double>(d), exponent)));
}

Sizes joined(const Triple& input, const Triple& output, Index n_rho) {
  return {input[0], input[1], input[2], output[0], output[1], output[2], n_rho};
}

/// What ties are broken by; smaller is better.
struct TieKey {
  Count rank;
  double ratio;  // of multiply-accumulates to the unrounded ones, or its inverse, at least 1
  std::array<Index, 3> preferred;  // n_gamma, n_alpha, n_epsilon
};

bool is_better(const TieKey& a, const TieKey& b) {
  if (a.rank != b.rank) return a.rank > b.rank;
  if (std::abs(a.ratio - b.ratio) > kRatioTolerance * b.ratio) return a.ratio < b.ratio;
  return a.preferred > b.preferred;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Sizes& s) {
  return out << fmt::format("({}|{}|{}|{}|{}|{}|{})",
                            s.n_alpha,
                            s.n_beta,
                            s.n_gamma,
                            s.n_delta,
                            s.n_epsilon,
                            s.n_phi,
                            s.n_rho);
}

const char* to_string(Rounding rounding) { return rounding == Rounding::exact ? "exact" : "paper"; }

Rounding parse_rounding(std::string_view text) {
  if (text == "exact") return Rounding::exact;
  if (text == "paper") return Rounding::paper;
  throw Error("unknown rounding", {.expected = "exact or paper", .got = std::string(text)});
}

void validate(const Widths& widths) {
  const auto check = [](const char* name, Index d) {
    if (d >= 1 && d <= kLargestWidth) return;
    throw Error("bad layer size",
                {.where = name,
                 .expected = fmt::format("a whole number from 1 to {}", kLargestWidth),
                 .got = std::to_string(d)});
  };
  check("d_in", widths.d_in);
  check("d_out", widths.d_out);
  if (widths.fixed_n_rho) check("n_rho", *widths.fixed_n_rho);
}

Index inner_size(double rho, const Widths& widths) {
  if (widths.fixed_n_rho) return *widths.fixed_n_rho;
  return rounded_power(std::min(widths.d_in, widths.d_out), rho);
}

Sizes paper_sizes(const Theta& theta, const Widths& widths) {
  return {rounded_power(widths.d_in, theta.alpha),
          rounded_power(widths.d_in, theta.beta),
          rounded_power(widths.d_in, theta.gamma),
          rounded_power(widths.d_out, theta.delta),
          rounded_power(widths.d_out, theta.epsilon),
          rounded_power(widths.d_out, theta.phi),
          inner_size(theta.rho, widths)};
}

Sizes break_ties(std::span<const Triple> inputs,
                 std::span<const Triple> outputs,
                 Index n_rho,
                 const UnroundedSizes& unrounded) {
  Sizes best = joined(inputs[0], outputs[0], n_rho);
  if (inputs.size() == 1 && outputs.size() == 1) return best;
  const double target = unrounded_macs(unrounded);
  const auto key_of = [&](const Sizes& sizes) -> TieKey {
    const double macs =
        std::min(approximate_macs(sizes, Order::a_first), approximate_macs(sizes, Order::b_first));
    return {rank_bound(sizes, sizes.pad_in(), sizes.pad_out()),
            std::max(macs / target, target / macs),
            {sizes.n_gamma, sizes.n_alpha, sizes.n_epsilon}};
  };
  std::optional<TieKey> best_key;
  for (const Triple& input : inputs) {
    for (const Triple& output : outputs) {
      const Sizes sizes = joined(input, output, n_rho);
      const TieKey key = key_of(sizes);
      if (best_key && !is_better(key, *best_key)) continue;
      best = sizes;
      best_key = key;
    }
  }
  return best;
}

Sizes integer_sizes(const Theta& theta, const Widths& widths, Rounding rounding) {
  validate(widths);
  if (rounding == Rounding::paper) return paper_sizes(theta, widths);
  // The blocks of a model come one after another, with the same few questions each.
  struct Answer {
    Theta theta;
    Widths widths;
    Sizes sizes;
  };
  constexpr std::size_t kAnswers = 4;
  thread_local std::vector<Answer> answers;
  thread_local std::size_t oldest = 0;
  for (const Answer& known : answers) {
    if (known.widths == widths && known.theta == theta) return known.sizes;
  }
  const std::vector<Triple> inputs = shared_divisor_triples(widths.d_in)->nearest(theta.input());
  const std::vector<Triple> outputs = shared_divisor_triples(widths.d_out)->nearest(theta.output());
  const Sizes sizes =
      break_ties(inputs, outputs, inner_size(theta.rho, widths), unrounded_sizes(theta, widths));
  if (answers.size() < kAnswers) {
    answers.push_back({theta, widths, sizes});
  } else {
    answers[oldest++ % kAnswers] = {theta, widths, sizes};
  }
  return sizes;
}

double padding(Index padded, Index d) {
  return std::abs(static_cast<double>(padded - d)) / static_cast<double>(d);
}

bool is_padding_accepted(const Sizes& sizes, const Widths& widths) {
  return padding(sizes.pad_in(), widths.d_in) <= kLargestPadding &&
         padding(sizes.pad_out(), widths.d_out) <= kLargestPadding;
}

void validate_padding(const Sizes& sizes, const Widths& widths) {
  const auto check = [](const char* name, Index padded, Index d) {
    if (padding(padded, d) <= kLargestPadding) return;
    throw Error("padding beyond 15 %",
                {.where = fmt::format("{} = {}", name, d),
                 .expected = "sizes whose product is within 15 %",
                 .got = fmt::format("{} ({:.1f} %)", padded, 100 * padding(padded, d)),
                 .hint = "exact rounding never pads"});
  };
  check("d_in", sizes.pad_in(), widths.d_in);
  check("d_out", sizes.pad_out(), widths.d_out);
}

RoundingQuality rounding_quality(const Theta& theta, const Sizes& sizes, const Widths& widths) {
  RoundingQuality quality;
  const auto compare = [&quality](Index n, Index d, double exponent) {
    const double log_d = std::log2(static_cast<double>(d));
    const double octaves = std::abs(std::log2(static_cast<double>(n)) - exponent * log_d);
    quality.rounding_error = std::max(quality.rounding_error, octaves);
    if (d > 1) quality.theta_drift = std::max(quality.theta_drift, octaves / log_d);
  };
  compare(sizes.n_alpha, widths.d_in, theta.alpha);
  compare(sizes.n_beta, widths.d_in, theta.beta);
  compare(sizes.n_gamma, widths.d_in, theta.gamma);
  compare(sizes.n_delta, widths.d_out, theta.delta);
  compare(sizes.n_epsilon, widths.d_out, theta.epsilon);
  compare(sizes.n_phi, widths.d_out, theta.phi);
  if (!widths.fixed_n_rho) compare(sizes.n_rho, std::min(widths.d_in, widths.d_out), theta.rho);
  return quality;
}

}  // namespace einsearch
