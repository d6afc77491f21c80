#include "search/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "base/error.h"

namespace einsearch {
namespace {

constexpr int kMostWidthsPerRung = 33;

void extend(ExponentRange& range, bool is_first, double exponent) {
  range.lowest = is_first ? exponent : std::min(range.lowest, exponent);
  range.highest = is_first ? exponent : std::max(range.highest, exponent);
}

double log_of(Count value) { return std::log(static_cast<double>(value)); }

Index output_width(Index width, const Widths& aspect) {
  const std::optional<Count> product = checked_multiply(width, aspect.d_out);
  if (!product || *product % aspect.d_in != 0) {
    throw Error("width does not fit the aspect",
                {.where = "--ladder",
                 .expected = fmt::format("a width that {}:{} divides", aspect.d_in, aspect.d_out),
                 .got = std::to_string(width)});
  }
  return *product / aspect.d_in;
}

/// What a width does to every structure: log FLOPs minus (1 + nu) log w. Equal values at two widths
/// mean a local exponent of exactly 1 + nu between them.
struct Option {
  Index width;
  double log_width;
  std::vector<double> offsets;  // per structure; infinite where invalid
};

Option option_at(Index width,
                 std::span<const Structure> structures,
                 const ResolveOptions& options) {
  Option option{width, log_of(width), {}};
  const WidthResolver resolver(width, width, options);
  for (const Structure& structure : structures) {
    const std::optional<Candidate> candidate = resolver(structure);
    option.offsets.push_back(candidate ? log_of(candidate->shape.flops) -
                                             (1 + candidate->taxonomy.nu) * option.log_width
                                       : kInfinity);
  }
  return option;
}

/// Widths around one of `rungs` equally spaced points of the range, at most a quarter of a step
/// away and inside the range.
std::vector<Index> widths_near(int rung, const LadderRange& range) {
  const double first = log_of(range.narrowest);
  const double step = (log_of(range.widest) - first) / (range.rungs - 1);
  const double low = std::max(static_cast<double>(range.narrowest),
                              std::ceil(std::exp(first + (rung - 0.25) * step)));
  const double high = std::min(static_cast<double>(range.widest),
                               std::floor(std::exp(first + (rung + 0.25) * step)));
  const double stride = std::max(1.0, (high - low) / (kMostWidthsPerRung - 1));
  std::vector<Index> widths;
  for (double w = low; w <= high; w += stride) widths.push_back(static_cast<Index>(w));
  // Highly composite widths round best; a coarse stride must not miss them.
  for (Index power = 1; power <= range.widest; power *= 2) {
    for (const Index w : {power, 3 * power, 9 * power, 5 * power}) {
      const double width = static_cast<double>(w);
      if (width >= low && width <= high) widths.push_back(w);
    }
  }
  if (widths.empty()) widths.push_back(static_cast<Index>(std::exp(first + rung * step)));
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  return widths;
}

double worst_deviation(const Option& below, const Option& above) {
  double worst = 0;
  for (std::size_t i = 0; i < below.offsets.size(); ++i) {
    const double change = std::abs(above.offsets[i] - below.offsets[i]);
    worst = std::max(worst, std::isnan(change) ? kInfinity : change);
  }
  return worst / (above.log_width - below.log_width);
}

struct Step {
  double cost = kInfinity;  // sum of squared deviations up to here
  double deviation = 0;
  std::size_t from = 0;
};

/// The best way to every option of a rung from those of the rung below.
std::vector<Step> best_steps(const std::vector<Option>& below,
                             const std::vector<Step>& reached_below,
                             const std::vector<Option>& here) {
  std::vector<Step> reached(here.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    for (std::size_t j = 0; j < below.size(); ++j) {
      const double deviation = worst_deviation(below[j], here[i]);
      const double cost = reached_below[j].cost + deviation * deviation;
      if (cost < reached[i].cost) reached[i] = {cost, deviation, j};
    }
  }
  return reached;
}

std::size_t cheapest(const std::vector<Step>& steps) {
  const auto best = std::min_element(
      steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.cost < b.cost; });
  return static_cast<std::size_t>(best - steps.begin());
}

}  // namespace

Ladder::Ladder(std::span<const Index> widths, Widths aspect, const ResolveOptions& options) {
  if (widths.size() < 2) {
    throw Error("too few widths", {.where = "--ladder", .expected = "at least two"});
  }
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (i > 0 && widths[i] <= widths[i - 1]) {
      throw Error("widths do not ascend",
                  {.where = "--ladder",
                   .expected = fmt::format("a width above {}", widths[i - 1]),
                   .got = std::to_string(widths[i])});
    }
    resolvers_.emplace_back(widths[i], output_width(widths[i], aspect), options);
    log_widths_.push_back(log_of(widths[i]));
  }
}

LadderReport Ladder::report(const Structure& structure) const {
  LadderReport report;
  Candidate below;
  for (std::size_t i = 0; i < resolvers_.size(); ++i) {
    const Candidate here = resolvers_[i].at_any_quality(structure);
    report.rounding_error = std::max(report.rounding_error, here.quality.rounding_error);
    if (i > 0) {
      const double step = log_widths_[i] - log_widths_[i - 1];
      const auto exponent = [step](Count above_value, Count below_value) {
        return (log_of(above_value) - log_of(below_value)) / step;
      };
      extend(report.flops, i == 1, exponent(here.shape.flops, below.shape.flops));
      extend(report.params, i == 1, exponent(here.shape.params, below.shape.params));
      extend(report.rank, i == 1, exponent(here.shape.rank, below.shape.rank));
    }
    below = here;
  }
  return report;
}

std::vector<Rung> suggest_ladder(std::span<const Structure> structures,
                                 const LadderRange& range,
                                 const ResolveOptions& options) {
  std::vector<std::vector<Option>> rungs;
  std::vector<std::vector<Step>> steps;
  for (int rung = 0; rung < range.rungs; ++rung) {
    std::vector<Option> here;
    for (const Index width : widths_near(rung, range)) {
      here.push_back(option_at(width, structures, options));
    }
    steps.push_back(rung == 0 ? std::vector<Step>(here.size(), Step{0, 0, 0})
                              : best_steps(rungs.back(), steps.back(), here));
    rungs.push_back(std::move(here));
  }
  std::size_t chosen = cheapest(steps.back());
  if (!std::isfinite(steps.back()[chosen].cost)) {
    throw Error("no ladder",
                {.where = "--suggest-ladder",
                 .expected = "widths at which every structure has valid sizes",
                 .hint = "fewer structures, or other --from and --to"});
  }
  std::vector<Rung> ladder(rungs.size());
  for (std::size_t rung = rungs.size(); rung-- > 0;) {
    ladder[rung] = {rungs[rung][chosen].width, steps[rung][chosen].deviation};
    chosen = steps[rung][chosen].from;
  }
  return ladder;
}

}  // namespace einsearch
