#include "io/wide_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <regex>
#include <set>
#include <tuple>

#include "base/error.h"
#include "io/csv.h"

namespace einsearch {
namespace {

/// The number that a group of the pattern matched; 0 without such a group.
Count matched_count(const std::smatch& match, std::size_t group, const std::string& name) {
  if (match.size() <= group || !match[group].matched) return 0;
  const std::string text = match[group].str();
  Count value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) {
    throw Error("not a whole number",
                {.where = fmt::format("--wide, group {} in \"{}\"", group, name),
                 .expected = group == 2 ? "a width" : "a seed",
                 .got = "\"" + text + "\""});
  }
  return value;
}

/// A run that has what the pattern says of `name`, or nothing where it does not match.
std::optional<Curve> match_run(const std::regex& pattern, const std::string& name) {
  std::smatch match;
  if (!std::regex_search(name, match, pattern)) return std::nullopt;
  Curve curve;
  curve.run = name;
  curve.structure = match.size() > 1 ? match[1].str() : name;
  curve.width = matched_count(match, 2, name);
  curve.seed_init = matched_count(match, 3, name);
  return curve;
}

std::size_t find_x(const CsvReader& csv, const std::string& name) {
  for (const std::string& candidate : {name, std::string("Step"), std::string("step")}) {
    if (const auto column = csv.find(candidate)) return *column;
    if (name != CurveColumnNames().train_flops) break;
  }
  return csv.require(name == CurveColumnNames().train_flops ? "Step" : name);
}

class WideReader {
 public:
  WideReader(const std::string& pattern, const CurveColumnNames& names) : names_(names) {
    try {
      pattern_ = std::regex(pattern, std::regex::ECMAScript);
    } catch (const std::regex_error& error) {
      throw Error("not a pattern",
                  {.where = "--wide",
                   .expected = "a regular expression (ECMAScript)",
                   .got = "\"" + pattern + "\"",
                   .hint = error.what()});
    }
  }

  void read(const std::string& path);
  CurveFile finish();

 private:
  void add(const CsvReader& csv, double x, std::size_t column, Curve& curve);

  std::regex pattern_;
  CurveColumnNames names_;
  std::vector<Curve> curves_;
  std::vector<std::string> names_tried_;
};

void WideReader::add(const CsvReader& csv, double x, std::size_t column, Curve& curve) {
  if (csv.is_empty(column)) return;
  CurvePoint point;
  point.train_flops = x;
  point.loss = csv.number(column);
  if (!std::isfinite(point.loss)) point.status = RunStatus::diverged;
  curve.points.push_back(point);
}

void WideReader::read(const std::string& path) {
  CsvReader csv(path);
  const std::size_t x_column = find_x(csv, names_.train_flops);
  std::vector<std::pair<std::size_t, Curve>> runs;
  for (std::size_t i = 0; i < csv.header().size(); ++i) {
    if (i == x_column) continue;
    names_tried_.push_back(csv.header()[i]);
    if (auto curve = match_run(pattern_, csv.header()[i])) runs.emplace_back(i, std::move(*curve));
  }
  if (const auto value = csv.find("Value"); runs.empty() && value) {
    const std::string name = std::filesystem::path(path).stem().string();
    names_tried_.push_back(name);
    if (auto curve = match_run(pattern_, name)) runs.emplace_back(*value, std::move(*curve));
  }
  const RowFilter filter(names_.where, csv);
  while (csv.next()) {
    if (!filter.passes(csv) || csv.is_empty(x_column)) continue;
    const double x = csv.number(x_column);
    if (!std::isfinite(x) || x < 0) {
      throw Error("bad compute",
                  {.where = csv.where(),
                   .expected = "a finite number, 0 or more",
                   .got = std::string(csv.field(x_column))});
    }
    for (auto& [column, curve] : runs) add(csv, x, column, curve);
  }
  for (auto& [column, curve] : runs) {
    if (!curve.points.empty()) curves_.push_back(std::move(curve));
  }
}

CurveFile WideReader::finish() {
  if (curves_.empty()) {
    constexpr std::size_t kMostNamed = 5;
    if (names_tried_.size() > kMostNamed) names_tried_.resize(kMostNamed);
    throw Error("no column matches",
                {.where = "--wide",
                 .expected = "a pattern that finds the columns of runs",
                 .got = fmt::format("names like {}", fmt::join(names_tried_, ", "))});
  }
  std::set<std::tuple<std::string, Count, Count>> seen;
  for (Curve& curve : curves_) {
    if (!seen.insert({curve.structure, curve.width, curve.seed_init}).second) {
      throw Error("two columns of one run",
                  {.where = "--wide, " + curve.run,
                   .expected = "a pattern that tells structure, width and seed apart",
                   .got = fmt::format("structure {}, width {}, seed {} twice",
                                      curve.structure,
                                      curve.width,
                                      curve.seed_init),
                   .hint = "end it with $ to pass over __MIN and __MAX"});
    }
    std::stable_sort(curve.points.begin(), curve.points.end(), [](const auto& a, const auto& b) {
      return a.train_flops < b.train_flops;
    });
  }
  std::sort(curves_.begin(), curves_.end(), [](const Curve& a, const Curve& b) {
    return std::tie(a.structure, a.width, a.run) < std::tie(b.structure, b.width, b.run);
  });
  return {.curves = std::move(curves_), .remarks = {}};
}

}  // namespace

CurveFile read_wide_curves(const std::vector<std::string>& paths,
                           const std::string& pattern,
                           const CurveColumnNames& names) {
  WideReader reader(pattern, names);
  for (const std::string& path : paths) reader.read(path);
  return reader.finish();
}

}  // namespace einsearch
