#include "search/grid_pair.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace einsearch {
namespace {

double product(std::initializer_list<Index> sizes) {
  double value = 1;
  for (const Index n : sizes) value *= static_cast<double>(n);
  return value;
}

std::array<Index, 3> preferred(const Sizes& s) { return {s.n_gamma, s.n_alpha, s.n_epsilon}; }

/// Clears keep[r] where value(r) is outside `accepted`.
template <typename Value>
void keep_inside(const AcceptedValues& accepted, std::size_t rows, double* keep, Value value) {
  const auto [lowest, highest] = accepted;
  for (std::size_t r = 0; r < rows; ++r) {
    const double x = value(r);
    const bool is_inside = (lowest <= x) & (x <= highest);
    keep[r] = is_inside ? keep[r] : 0;
  }
}

}  // namespace

GridPair::GridPair(const GridSpace& space) : space_(space) {
  const int n = space.grid();
  for (int k = 0; k <= 3 * n; ++k) {
    fractions_.push_back(static_cast<double>(k) / n);
    capped_fractions_.push_back(static_cast<double>(std::min(k, n)) / n);
  }
  for (const GridSpace::Inner& inner : space.inner()) {
    n_rho_.push_back(static_cast<double>(inner.n_rho));
    n_rho_over_power_.push_back(n_rho_.back() / inner.power);
    power_over_n_rho_.push_back(inner.power / n_rho_.back());
    inner_quality_.push_back(inner.quality);
    is_inner_valid_.push_back(inner.quality.is_valid() ? 1 : 0);
  }
  const std::size_t most_rows = n_rho_.size();
  ones_.assign(most_rows, 1);
  for (Row* row : {&best_, &best_rank_, &best_ratio_, &best_preference_, &keep_}) {
    row->resize(most_rows);
  }
  choice_.resize(most_rows);
}

void GridPair::bind(std::size_t input, std::size_t output, int limit) {
  input_ = input;
  output_ = output;
  limit_ = limit;
  has_options_ = false;
}

void GridPair::place(int rho, Candidate& candidate) const {
  space_.place(input_, output_, rho, candidate);
}

void GridPair::find_options() {
  if (has_options_) return;
  has_options_ = true;
  options_.clear();
  const GridSpace::Side& in = space_.input_side(input_);
  const GridSpace::Side& out = space_.output_side(output_);
  const Widths& widths = space_.widths();
  for (std::size_t i = 0; i < in.triples.size(); ++i) {
    for (std::size_t o = 0; o < out.triples.size(); ++o) {
      const auto [alpha, beta, gamma] = in.triples[i];
      const auto [delta, epsilon, phi] = out.triples[o];
      Option option{};
      option.sizes = {alpha, beta, gamma, delta, epsilon, phi, 1};
      option.quality = worst(in.quality[i], out.quality[o]);
      const double cut_a = product({beta, gamma, delta, phi});
      const double cut_b = product({alpha, gamma, epsilon, phi});
      option.macs_a_first = cut_a * static_cast<double>(alpha + epsilon);
      option.macs_b_first = cut_b * static_cast<double>(beta + delta);
      option.cut = std::min(cut_a, cut_b);
      option.cap = static_cast<double>(
          std::min({widths.d_in, widths.d_out, option.sizes.pad_in(), option.sizes.pad_out()}));
      options_.push_back(option);
    }
  }
  choose_options();
}

/// break_ties() for every rho: the options in order, each against the best so far.
void GridPair::choose_options() {
  std::fill_n(choice_.begin(), rows(), 0);
  if (options_.size() == 1) return;
  for (Option& option : options_) {
    option.preference = static_cast<double>(
        std::count_if(options_.begin(), options_.end(), [&](const Option& other) {
          return preferred(option.sizes) > preferred(other.sizes);
        }));
  }
  const double target = unrounded_macs(
      unrounded_sizes(space_.input_side(input_), space_.output_side(output_), {1, {}, 1}));
  for (std::size_t i = 0; i < options_.size(); ++i) {
    const Option& option = options_[i];
    const double macs = std::min(option.macs_a_first, option.macs_b_first) / target;
    const double inverse = 1 / macs;
    const double number = static_cast<double>(i);
    for (std::size_t r = 0; r < rows(); ++r) {
      const double rank = std::min(option.cap, option.cut * n_rho_[r]);
      const double ratio = std::max(macs * n_rho_over_power_[r], inverse * power_over_n_rho_[r]);
      const double gain = best_ratio_[r] - ratio;
      const double tolerance = kRatioTolerance * best_ratio_[r];
      const bool is_nearer = gain > tolerance;
      const bool is_as_near = std::abs(gain) <= tolerance;
      const bool is_preferred = option.preference > best_preference_[r];
      const bool is_better = (i == 0) | (rank > best_rank_[r]) |
                             ((rank == best_rank_[r]) & (is_nearer | (is_as_near & is_preferred)));
      best_rank_[r] = is_better ? rank : best_rank_[r];
      best_ratio_[r] = is_better ? ratio : best_ratio_[r];
      best_preference_[r] = is_better ? option.preference : best_preference_[r];
      best_[r] = is_better ? number : best_[r];
    }
  }
  for (std::size_t r = 0; r < rows(); ++r) choice_[r] = static_cast<std::size_t>(best_[r]);
}

bool GridPair::size(int rho, Candidate& candidate) {
  if (candidate.shape.is_dense) return space_.size(input_, output_, rho, candidate);
  const GridSpace::Side& in = space_.input_side(input_);
  const GridSpace::Side& out = space_.output_side(output_);
  if (in.validity == GridSpace::Validity::none || out.validity == GridSpace::Validity::none)
    return false;
  find_options();
  const Option& option = options_[choice_[static_cast<std::size_t>(rho)]];
  const GridSpace::Inner& inner = space_.inner()[static_cast<std::size_t>(rho)];
  candidate.quality = worst(inner.quality, option.quality);
  if (!candidate.quality.is_valid()) return false;
  Sizes sizes = option.sizes;
  sizes.n_rho = inner.n_rho;
  candidate.shape =
      einsum_shape(sizes, unrounded_sizes(in, out, inner), space_.widths(), space_.order());
  return true;
}

Tally GridPair::count(const FilterSet& filters) {
  if (space_.may_be_dense(input_, output_) || may_overflow()) return count_one_by_one(filters);
  std::fill_n(keep_.begin(), rows(), 1.0);
  for (const Filter& filter : filters.of_theta()) keep_by_theta(filter);
  Tally tally{.kept = 0, .invalid = kept()};
  keep_valid();
  tally.invalid -= kept();
  for (const Filter& filter : filters.of_sizes()) {
    filter.column->follows == Follows::rounding ? keep_by_rounding(filter) : keep_by_sizes(filter);
  }
  tally.kept = kept();
  return tally;
}

/// Whether a count may be beyond 64 bits: then numbers are checked one by one.
bool GridPair::may_overflow() const {
  constexpr double kSafe = 1e18;
  const double d_in = static_cast<double>(space_.widths().d_in);
  const double d_out = static_cast<double>(space_.widths().d_out);
  // Sizes are within 15 % of the widths and MACs are at most twice the product of all sizes.
  return 4 * d_in * d_out * n_rho_[static_cast<std::size_t>(limit_)] > kSafe;
}

Tally GridPair::count_one_by_one(const FilterSet& filters) {
  Candidate candidate;
  Tally tally;
  for (int rho = 0; rho <= limit_; ++rho) {
    place(rho, candidate);
    if (!filters.accepts_theta(candidate)) continue;
    if (!size(rho, candidate)) {
      ++tally.invalid;
    } else if (filters.accepts_sizes(candidate)) {
      ++tally.kept;
    }
  }
  return tally;
}

Count GridPair::kept() const {
  Count count = 0;
  for (std::size_t r = 0; r < rows(); ++r) count += keep_[r] != 0;
  return count;
}

void GridPair::keep_valid() {
  using Validity = GridSpace::Validity;
  const Validity in = space_.input_side(input_).validity;
  const Validity out = space_.output_side(output_).validity;
  if (in == Validity::none || out == Validity::none) {
    std::fill_n(keep_.begin(), rows(), 0.0);
    return;
  }
  for (std::size_t r = 0; r < rows(); ++r) keep_[r] *= is_inner_valid_[r];
  if (in == Validity::all && out == Validity::all) return;
  find_options();
  for (std::size_t r = 0; r < rows(); ++r) {
    if (!options_[choice_[r]].quality.is_valid()) keep_[r] = 0;
  }
}

void GridPair::keep_by_theta(const Filter& filter) {
  const auto [alpha, beta, gamma] = space_.side_point(input_);
  const auto [delta, epsilon, phi] = space_.side_point(output_);
  const int n = space_.grid();
  const int saved = largest_rho(space_.side_point(input_), space_.side_point(output_));
  const auto from = [](const Row& row, int k) { return row.data() + k; };
  const std::string_view name = filter.column->name;
  if (name == "omega") {
    const double omega = *from(fractions_, std::min(alpha + delta, beta + epsilon) - saved);
    if (!filter.accepted().contains(omega)) std::fill_n(keep_.begin(), rows(), 0.0);
    return;
  }
  assert(name == "nu" || name == "psi");
  const double* values =
      name == "nu" ? from(fractions_, n - saved)
                   : from(capped_fractions_, 2 * n - std::max(alpha + epsilon, beta + delta));
  keep_inside(
      filter.accepted(), rows(), keep_.data(), [values](std::size_t r) { return values[r]; });
}

double GridPair::value_at_one(const NumericColumn& column, const Option& option) const {
  const Sizes& s = option.sizes;
  const OrderRule rule = space_.order();
  const double macs = rule == OrderRule::a_first ? option.macs_a_first
                      : rule == OrderRule::b_first
                          ? option.macs_b_first
                          : std::min(option.macs_a_first, option.macs_b_first);
  Candidate candidate;
  candidate.shape.sizes = s;
  candidate.shape.d_in = space_.widths().d_in;
  candidate.shape.d_out = space_.widths().d_out;
  candidate.shape.params = s.n_gamma * s.n_phi * (s.n_alpha * s.n_delta + s.n_beta * s.n_epsilon);
  candidate.shape.flops = static_cast<Count>(2 * macs);
  candidate.shape.rank = static_cast<Count>(option.cut);
  return column.value(candidate);
}

void GridPair::keep_by_sizes(const Filter& filter) {
  find_options();
  const Follows follows = filter.column->follows;
  const double* n_rho = follows == Follows::sides ? ones_.data() : n_rho_.data();
  const bool is_capped = follows == Follows::rank;
  if (options_.size() == 1) {
    const double slope = value_at_one(*filter.column, options_[0]);
    const double cap = is_capped ? options_[0].cap : kInfinity;
    keep_inside(filter.accepted(), rows(), keep_.data(), [=](std::size_t r) {
      return std::min(cap, slope * n_rho[r]);
    });
    return;
  }
  slopes_.clear();
  for (const Option& option : options_) slopes_.push_back(value_at_one(*filter.column, option));
  keep_inside(filter.accepted(), rows(), keep_.data(), [&](std::size_t r) {
    const double cap = is_capped ? options_[choice_[r]].cap : kInfinity;
    return std::min(cap, slopes_[choice_[r]] * n_rho[r]);
  });
}

void GridPair::keep_by_rounding(const Filter& filter) {
  find_options();
  Candidate candidate;
  keep_inside(filter.accepted(), rows(), keep_.data(), [&](std::size_t r) {
    candidate.quality = worst(inner_quality_[r], options_[choice_[r]].quality);
    return filter.column->value(candidate);
  });
}

}  // namespace einsearch
