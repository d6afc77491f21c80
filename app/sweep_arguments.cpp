#include "sweep_arguments.h"

#include <fmt/format.h>

#include <filesystem>

#include "arguments.h"
#include "base/error.h"
#include "base/suggest.h"
#include "io/csv.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr Range<Count> kWidth{1, 1 << 20};
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr Range<double> kAboveZero{std::numeric_limits<double>::min(), kLargest};

/// "dense@64,128": a structure and its widths.
Match parse_match_option(const std::string& text, const std::string& by) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos) {
    throw Error("bad value",
                {.where = "--match",
                 .expected = "STRUCTURE@WIDTHS such as dense@64,128,256",
                 .got = "\"" + text + "\""});
  }
  Match match{
      .reference = parse_structure(text.substr(0, at)), .widths = {}, .by = parse_match(by)};
  for (const Count width : parse_counts(text.substr(at + 1), "--match", kWidth))
    match.widths.push_back(width);
  return match;
}

/// Rows of a table with a column `structure`, or lines that are names.
std::vector<ModelStructure> structures_in(const std::string& path) {
  std::vector<ModelStructure> structures;
  CsvReader csv(path);
  const std::size_t column = csv.require("structure");
  while (csv.next()) structures.push_back(parse_model_structure(csv.field(column)));
  return structures;
}

bool is_structure(const std::string& text) try {
  parse_model_structure(text);
  return true;
} catch (const Error&) {
  return false;
}

std::vector<GridSeeds> seeds_of(const SweepArguments& arguments) {
  const auto list = [](const std::string& text, const char* option) {
    return parse_counts(text, option, kNonNegative);
  };
  std::vector<GridSeeds> seeds;
  if (arguments.seeds_init.empty() && arguments.seeds_data.empty()) {
    for (const Count seed : list(arguments.seeds, "--seeds"))
      seeds.push_back({static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(seed)});
    return seeds;
  }
  const auto or_seeds = [&](const std::string& text, const char* option) {
    return text.empty() ? list(arguments.seeds, "--seeds") : list(text, option);
  };
  for (const Count data : or_seeds(arguments.seeds_data, "--seeds-data")) {
    for (const Count init : or_seeds(arguments.seeds_init, "--seeds-init"))
      seeds.push_back({static_cast<std::uint64_t>(init), static_cast<std::uint64_t>(data)});
  }
  return seeds;
}

}  // namespace

Horizon parse_horizon(const std::string& text) {
  const std::vector<std::string> kinds = {"steps", "examples-per-param", "flops"};
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string kind = text.substr(0, colon);
  const auto found = std::find(kinds.begin(), kinds.end(), kind);
  if (found == kinds.end() || colon == text.size()) {
    throw Error("bad value",
                {.where = "--horizon",
                 .expected = "steps:N, examples-per-param:R or flops:C1..C2*k",
                 .got = "\"" + text + "\"",
                 .hint = did_you_mean(kind, kinds)});
  }
  Horizon horizon{.kind = static_cast<Horizon::Kind>(found - kinds.begin()), .values = {}};
  const std::string values = text.substr(colon + 1);
  if (horizon.kind == Horizon::Kind::steps) {
    for (const Count steps : parse_counts(values, "--horizon", {1, Count{1} << 40}))
      horizon.values.push_back(static_cast<double>(steps));
  } else {
    horizon.values = parse_reals(values, "--horizon", kAboveZero);
  }
  return horizon;
}

std::vector<ModelStructure> read_structures(const std::string& list) {
  std::vector<ModelStructure> structures;
  for (const std::string& item : split_list(list)) {
    if (item.empty()) continue;
    const bool is_file =
        item == "-" || (std::filesystem::is_regular_file(item) && !is_structure(item));
    for (const ModelStructure& structure :
         is_file ? structures_in(item) : parse_model_structures(item)) {
      if (std::find(structures.begin(), structures.end(), structure) == structures.end())
        structures.push_back(structure);
    }
  }
  if (structures.empty()) {
    throw Error("an empty grid",
                {.where = "--structures", .expected = "at least one structure", .got = "none"});
  }
  return structures;
}

Grid grid_of(const SweepArguments& arguments, const std::vector<ModelStructure>& structures) {
  Grid grid;
  grid.structures = structures;
  if (!arguments.match.empty() && !arguments.widths.empty()) {
    throw Error("--match and --widths contradict each other",
                {.expected = "one of them", .got = "both"});
  }
  if (arguments.widths.empty()) {
    grid.match = parse_match_option(
        arguments.match.empty() ? "dense@64,128,256,512" : arguments.match, arguments.match_by);
  } else {
    for (const Count width : parse_counts(arguments.widths, "--widths", kWidth))
      grid.widths.push_back(width);
  }
  grid.depths.clear();
  for (const Count depth : parse_counts(arguments.depths, "--depths", {0, 1000}))
    grid.depths.push_back(depth);
  grid.horizon = parse_horizon(arguments.horizon);
  if (!arguments.branch_at.empty()) {
    grid.branch_budgets = parse_reals(arguments.branch_at, "--branch-at", kAboveZero);
    if (arguments.run.schedule != "constant")
      throw Error("--branch-at sets the schedule itself", {.where = "--schedule"});
  }
  if (!arguments.batches.empty())
    grid.batches = parse_counts(arguments.batches, "--batches", {1, Count{1} << 24});
  grid.lr_factors = parse_reals(arguments.lr_factors, "--lr-factors", kAboveZero);
  grid.seeds = seeds_of(arguments);
  for (const Count seed : parse_counts(arguments.seed_task, "--seed-task", kNonNegative)) {
    grid.tasks.push_back(
        task_spec(arguments.run.task, {.task = static_cast<std::uint64_t>(seed), .data = 0}));
  }
  grid.base = run_spec(arguments.run, grid.tasks.front(), 1);
  if (arguments.run.warmup < 0) {
    grid.warmup = [task = arguments.run.task.task](Count steps) {
      return default_warmup(task, steps);
    };
  }
  grid.trainer = arguments.trainer;
  for (const ModelStructure& structure : structures) {
    if (grid.trainer.empty() || !structure.mixture) continue;
    throw Error("mixtures of experts cannot be described to another program",
                {.where = "--trainer", .expected = "structures without", .got = structure.name()});
  }
  return grid;
}

void add_grid_options(CLI::App& command, SweepArguments& arguments) {
  const std::string group = "Grid";
  const auto text =
      [&](const char* name, std::string& value, const char* meaning, const char* type) {
        return command.add_option(name, value, meaning)->type_name(type)->group(group);
      };
  text("--structures",
       arguments.structures,
       "structures by name or theta, files with a column structure, - for standard input",
       "LIST");
  text("--match",
       arguments.match,
       "widths at which a structure costs what another does (dense@64,128,256,512)",
       "S@LIST");
  command.add_option("--match-by", arguments.match_by, "flops (default), params or bytes")
      ->check(CLI::IsMember(match_names()))
      ->group(group);
  text("--widths", arguments.widths, "the same widths for all, such as 64..512*2", "LIST");
  text("--depths", arguments.depths, "residual blocks (3)", "LIST");
  text("--horizon",
       arguments.horizon,
       "length of a run: steps:N (steps:1000), examples-per-param:R (sequences: tokens), or "
       "training FLOPs flops:C1..C2*k",
       "H");
  text("--branch-at",
       arguments.branch_at,
       "training FLOPs at which a constant-rate trunk is cooled down; replaces --horizon",
       "LIST");
  text("--lr-factors", arguments.lr_factors, "factors of the learning rate (1)", "LIST");
  text("--batches",
       arguments.batches,
       "batch sizes; all see as many examples as runs of --batch do (--batch)",
       "LIST");
  text("--seeds", arguments.seeds, "seeds of weights and examples alike, such as 0..4 (0)", "LIST");
  text("--seeds-init",
       arguments.seeds_init,
       "seeds of the weights, times those of --seeds-data",
       "LIST");
  text("--seeds-data", arguments.seeds_data, "seeds of the examples", "LIST");
  text("--seed-task", arguments.seed_task, "seeds of target and held-out set (0)", "LIST");
  text("--trainer",
       arguments.trainer,
       "command that trains a run in einsearch's place: gets a JSON file, prints curve rows",
       "CMD");
}

}  // namespace einsearch
