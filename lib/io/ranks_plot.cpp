#include "io/ranks_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "io/plot_page.h"

namespace einsearch {
namespace {

constexpr double kLeft = 216, kTop = 76, kBottom = 56, kRowHeight = 22;
constexpr double kAxis = 420;   // pixels of the axis of ranks
constexpr double kRight = 210;  // room for multipliers
constexpr const char* kBetter = "#1a80bb";
constexpr const char* kWorse = "#d55e00";
constexpr const char* kUnclear = "#7f7f7f";

/// Blue needs less compute than the baseline, orange more, grey is undecided, or is the baseline.
const char* colour_of(const RankedStructure& row, const Ranking& ranking) {
  if (row.structure == ranking.baseline || !row.multiplier.has_interval()) return kUnclear;
  if (row.multiplier.low > 1) return kBetter;
  return row.multiplier.high < 1 ? kWorse : kUnclear;
}

std::string multiplier_text(const RankedStructure& row, const Ranking& ranking) {
  if (row.structure == ranking.baseline) return "baseline";
  const Estimate& multiplier = row.multiplier;
  if (std::isnan(multiplier.value)) return row.is_below_floor ? "below the baseline's floor" : "";
  const std::string value = fmt::format("{:.2f}x", multiplier.value);
  if (!multiplier.has_interval()) return value;
  return fmt::format("{} [{:.2f}, {:.2f}]", value, multiplier.low, multiplier.high);
}

void draw_row(Svg& svg,
              const RankedStructure& row,
              const Ranking& ranking,
              double y,
              const std::function<double(double)>& place) {
  const char* colour = colour_of(row, ranking);
  if (row.inference.rank_low > 0) {
    svg.line({place(static_cast<double>(row.inference.rank_low)), y},
             {place(static_cast<double>(row.inference.rank_high)), y},
             {{"stroke", colour},
              {"stroke-width", "5"},
              {"stroke-opacity", ".4"},
              {"stroke-linecap", "round"}});
  }
  svg.circle({place(static_cast<double>(row.rank)), y}, 4.5, {{"fill", colour}});
  svg.text({kLeft - 16, y + 4.5},
           fitting_name(row.structure, 24),
           {{"class", "name"}, {"text-anchor", "end"}});
  svg.text({kLeft + kAxis + 24, y + 4.5},
           multiplier_text(row, ranking),
           {{"class", "name"}, {"style", fmt::format("fill:{}", colour)}});
}

}  // namespace

std::string ranks_svg(const Ranking& ranking, const std::string& title) {
  std::vector<const RankedStructure*> rows;
  Count last = 1;
  for (const RankedStructure& row : ranking.rows) {
    if (row.rank == 0) continue;
    rows.push_back(&row);
    last = std::max({last, row.rank, row.inference.rank_high});
  }
  if (rows.empty()) throw Error("nothing to draw", {.expected = "structures with a rank"});
  const double bottom = kTop + kRowHeight * static_cast<double>(rows.size());
  const double width = kLeft + kAxis + kRight;
  Svg svg = make_page(static_cast<int>(width), static_cast<int>(bottom + kBottom), title);
  const auto place = [last](double rank) {
    return kLeft + kAxis * (rank - 1) / static_cast<double>(std::max<Count>(last - 1, 1));
  };
  constexpr Count kMostLabels = 12;
  const Count step = (last + kMostLabels - 1) / kMostLabels;
  for (Count rank = 1; rank <= last; rank += step) {
    const double x = place(static_cast<double>(rank));
    svg.line({x, kTop}, {x, bottom}, {{"class", "grid"}});
    svg.text({x, bottom + 20}, fmt::format("{}", rank), {{"text-anchor", "middle"}});
  }
  double y = kTop + kRowHeight / 2;
  for (const RankedStructure* row : rows) {
    draw_row(svg, *row, ranking, y, place);
    y += kRowHeight;
  }
  svg.line({kLeft - 10, bottom}, {kLeft + kAxis + 10, bottom}, {{"class", "axis"}});
  svg.text({24, 28}, title, {{"class", "title"}});
  svg.text({kLeft + kAxis / 2, bottom + 42},
           "rank and its 95 % interval, all comparisons at once",
           {{"text-anchor", "middle"}});
  if (!ranking.baseline.empty()) {
    svg.text({kLeft + kAxis + 24, kTop - 12},
             fmt::format("compute multiplier over {}", fitting_name(ranking.baseline, 14)),
             {{"class", "small"}});
  }
  return svg.finish();
}

}  // namespace einsearch
