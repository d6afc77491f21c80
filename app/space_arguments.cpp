#include "space_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "arguments.h"
#include "base/error.h"
#include "io/columns.h"
#include "structure/lattice.h"
#include "sweep_arguments.h"

namespace einsearch {
namespace {

/// A condition on a column rather than a structure ("btt:rank=2" is one).
bool is_condition(const std::string& item) {
  const std::size_t sign = item.find_first_of("<>=");
  return sign != std::string::npos && item.substr(0, sign).find_first_of(":(") == std::string::npos;
}

std::string trimmed(std::string text) {
  while (!text.empty() && text.front() == ' ') text.erase(0, 1);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// "grid 1/4, omega<=0.5": a lattice, divisors, names or @files, then conditions.
SpaceRequest parse_space(const std::string& text) {
  SpaceRequest request;
  std::vector<std::string> names;
  std::string conditions;
  bool is_named = false;
  for (const std::string& raw : split_list(text)) {
    std::string item = trimmed(raw);
    if (item.empty()) continue;
    if (is_condition(item)) {
      conditions += (conditions.empty() ? "" : ",") + item;
    } else if (item.starts_with("grid ") || item == "divisors") {
      if (is_named || !names.empty()) {
        throw Error("two spaces in one",
                    {.where = "--space", .expected = "a grid, divisors or names", .got = text});
      }
      is_named = true;
      if (item == "divisors") {
        request.kind = SpaceRequest::Kind::divisors;
        continue;
      }
      const std::string step = trimmed(item.substr(5));
      if (!step.starts_with("1/"))
        throw Error("bad grid", {.where = "--space", .expected = "grid 1/n", .got = item});
      request.n = static_cast<int>(parse_count(step.substr(2), "--space grid", {1, kFinestGrid}));
    } else {
      if (item.starts_with('@')) item.erase(0, 1);
      names.push_back(item);
    }
  }
  if (is_named && !names.empty()) {
    throw Error("two spaces in one",
                {.where = "--space", .expected = "a grid, divisors or names", .got = text});
  }
  if (!names.empty()) {
    request.kind = SpaceRequest::Kind::names;
    for (const ModelStructure& named : read_structures(fmt::format("{}", fmt::join(names, ",")))) {
      if (named.mixture) {
        throw Error("a search knows no mixtures of experts",
                    {.where = "--space", .expected = "structures without", .got = named.name()});
      }
      request.structures.push_back(named.structure);
    }
  } else if (!is_named) {
    throw Error("no space",
                {.where = "--space",
                 .expected = "\"grid 1/4\", divisors, names or @FILE, then conditions",
                 .got = "\"" + text + "\""});
  }
  if (!conditions.empty()) request.filters = parse_filters(conditions);
  return request;
}

}  // namespace

SpaceRequest space_request(const SpaceArguments& arguments) {
  SpaceRequest request = parse_space(arguments.space);
  if (!arguments.prior.empty()) {
    request.prior = parse_filters(arguments.prior);
    for (const Filter& filter : request.prior) {
      if (!filter.column->depends_on_sizes()) continue;
      throw Error("a prior on sizes",
                  {.where = "--prior",
                   .expected = "conditions on omega, psi and nu",
                   .got = std::string(filter.column->name)});
    }
  }
  if (!arguments.design.empty()) {
    if (!arguments.design.starts_with("taxonomy:")) {
      throw Error("bad value",
                  {.where = "--design", .expected = "taxonomy:K", .got = arguments.design});
    }
    request.design = parse_count(arguments.design.substr(9), "--design taxonomy:K");
  }
  request.seed = static_cast<std::uint64_t>(arguments.seed);
  return request;
}

}  // namespace einsearch
