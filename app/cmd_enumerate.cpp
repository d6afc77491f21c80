// einsearch enumerate: the space of structures, one row per candidate.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "arguments.h"
#include "base/error.h"
#include "command.h"
#include "compute/ordered.h"
#include "io/columns.h"
#include "output.h"
#include "search/enumerate.h"
#include "search/ladder.h"
#include "search/pareto.h"
#include "structure/lattice.h"
#include "structure/notation.h"
#include "structure_stream.h"
#include "structure_table.h"

namespace einsearch {
namespace {

struct EnumerateArguments {
  std::string grid;
  std::string lattice = "grid";
  std::string structures;
  Count samples = 0;
  Count seed = 0;
  Count d_in = 0;
  Count d_out = 0;
  std::string rounding = "exact";
  std::string order = "cheaper";
  std::vector<Filter> filters;
  bool keep_redundant = false;
  bool keep_degenerate = false;
  bool unique = false;
  bool count = false;
  Count limit = 0;  // 0: none
  std::string pareto;
  std::string ladder;
  Count rungs = 0;
  Count narrowest = 64;
  Count widest = 1024;
  Count threads = 0;  // 0: all that this process may use
  OutputOptions output;

  bool has_widths() const { return d_in > 0 && d_out > 0; }
};

/// "1/4" -> 4.
int parse_grid(const std::string& text) {
  if (!text.starts_with("1/")) {
    throw Error(
        "bad grid",
        {.where = "--grid", .expected = "1/n such as 1/4", .got = fmt::format("\"{}\"", text)});
  }
  return static_cast<int>(parse_count(text.substr(2), "--grid", {1, kFinestGrid}));
}

void require_widths(const EnumerateArguments& arguments, const std::string& needed_by) {
  if (arguments.has_widths()) return;
  throw Error("sizes are missing", {.where = needed_by, .expected = "--d-in and --d-out"});
}

SpaceOptions space_options(const EnumerateArguments& arguments) {
  SpaceOptions options;
  options.d_in = std::max<Index>(arguments.d_in, 1);
  options.d_out = std::max<Index>(arguments.d_out, 1);
  options.resolve = {parse_rounding(arguments.rounding), parse_order_rule(arguments.order)};
  options.filters = FilterSet(arguments.filters);
  options.keep_redundant = arguments.keep_redundant;
  options.keep_degenerate = arguments.keep_degenerate;
  return options;
}

Threads threads_of(const EnumerateArguments& arguments) {
  return Threads(arguments.threads > 0 ? static_cast<int>(arguments.threads) : available_threads());
}

/// Whatever part of the space the arguments name.
Walk walk_of(const EnumerateArguments& arguments) {
  const SpaceOptions options = space_options(arguments);
  if (!arguments.structures.empty()) {
    const std::vector<Structure> structures = parse_structures(arguments.structures);
    return {1, [=](std::size_t, const CandidateVisitor& visit) {
              return enumerate_structures(structures, options, visit);
            }};
  }
  if (arguments.samples > 0) {
    const Count count = arguments.samples;
    const auto seed = static_cast<std::uint64_t>(arguments.seed);
    return {1, [=](std::size_t, const CandidateVisitor& visit) {
              return enumerate_samples(count, seed, options, visit);
            }};
  }
  if (arguments.lattice == "divisors") return divisor_walk(options);
  const int n = parse_grid(arguments.grid);
  return arguments.unique ? unique_walk(n, options) : grid_walk(n, options);
}

/// Says on stderr what a reader of the rows cannot see.
void report(const Tally& tally, const EnumerateArguments& arguments) {
  if (tally.invalid > 0) {
    fmt::print(stderr,
               "einsearch: left out {} candidates whose sizes are invalid at {} x {} (padding "
               "beyond 15 % or a size more than a factor 2 from its power)\n",
               tally.invalid,
               arguments.d_in,
               arguments.d_out);
  }
  if (arguments.limit == 0 && tally.kept < arguments.samples) {
    fmt::print(stderr,
               "einsearch: only {} of {} samples, the filters leave too little of the space\n",
               tally.kept,
               arguments.samples);
  }
}

int print_count(const EnumerateArguments& arguments, Count count) {
  Output output(arguments.output.path);
  if (arguments.output.format.empty()) {
    output.write(fmt::format("{}\n", count));
  } else {
    TableWriter table(parse_table_format(arguments.output.format), {"count"}, output.sink());
    table.cell(count).end_row();
    table.finish();
  }
  output.finish();
  return kDone;
}

int count_candidates(const EnumerateArguments& arguments) {
  const SpaceOptions options = space_options(arguments);
  const bool is_grid = !arguments.grid.empty();
  if (is_grid && !arguments.unique && !arguments.has_widths()) {
    if (const NumericColumn* column = options.filters.column_of_sizes()) {
      require_widths(arguments, fmt::format("filter on {}", column->name));
    }
    return print_count(arguments, count_theta(parse_grid(arguments.grid), options));
  }
  require_widths(arguments, "enumerate --count");
  const Threads threads = threads_of(arguments);
  const Tally tally = is_grid && !arguments.unique
                          ? count_grid(parse_grid(arguments.grid), options, threads)
                          : count_all(walk_of(arguments), threads);
  report(tally, arguments);
  return print_count(arguments, tally.kept);
}

int print_rows(const EnumerateArguments& arguments) {
  require_widths(arguments, "enumerate");
  const Walk walk = walk_of(arguments);
  Output output(arguments.output.path);
  const Tally tally = stream_structures(walk,
                                        threads_of(arguments),
                                        {chosen_format(arguments.output), arguments.limit},
                                        output.sink());
  output.finish();
  report(tally, arguments);
  return kDone;
}

/// The candidates of each part that nothing in it dominates are offered in turn.
std::vector<Candidate> frontier_of(const Walk& walk,
                                   const EnumerateArguments& arguments,
                                   Tally& tally) {
  struct Part {
    std::vector<Candidate> candidates;
    Tally tally;
  };
  const auto objectives = parse_objectives(arguments.pareto);
  ParetoFrontier frontier(objectives);
  const auto make = [&](std::size_t number) {
    ParetoFrontier of_part(objectives);
    Part part;
    part.tally = walk.visit_part(number, [&](const Candidate& candidate) {
      of_part.offer(candidate);
      return true;
    });
    part.candidates = of_part.candidates();
    return part;
  };
  for_each_in_order(threads_of(arguments), walk.parts, make, [&](const Part& part) {
    for (const Candidate& candidate : part.candidates) frontier.offer(candidate);
    tally += part.tally;
    return true;
  });
  return frontier.candidates();
}

int print_frontier(const EnumerateArguments& arguments) {
  require_widths(arguments, "enumerate --pareto");
  Tally tally;
  const std::vector<Candidate> candidates = frontier_of(walk_of(arguments), arguments, tally);
  report(tally, arguments);
  if (arguments.count) return print_count(arguments, static_cast<Count>(candidates.size()));
  Output output(arguments.output.path);
  TableWriter table(
      chosen_format(arguments.output), column_names(structure_columns()), output.sink());
  Count rows = 0;
  for (const Candidate& candidate : candidates) {
    put_structure(table, candidate);
    table.end_row();
    if (++rows == arguments.limit) break;
  }
  table.finish();
  output.finish();
  return kDone;
}

/// The structures that a ladder is judged by; sizes play a part only when the widths are given.
template <typename See>
void walk_structures(const EnumerateArguments& arguments, See see) {
  const SpaceOptions options = space_options(arguments);
  if (arguments.has_widths()) {
    visit_all(walk_of(arguments), [&](const Candidate& candidate) {
      const bool is_theta = candidate.name.empty();
      return see(is_theta ? structure_of(candidate.theta) : parse_structure(candidate.name));
    });
    return;
  }
  if (const NumericColumn* column = options.filters.column_of_sizes()) {
    require_widths(arguments, fmt::format("filter on {}", column->name));
  }
  if (!arguments.structures.empty()) {
    for (const Structure& structure : parse_structures(arguments.structures)) {
      Candidate candidate;
      candidate.taxonomy = taxonomy(structure.theta);
      if (options.filters.accepts_theta(candidate) && !see(structure)) return;
    }
    return;
  }
  if (arguments.grid.empty()) require_widths(arguments, "this part of the space");
  walk_theta(parse_grid(arguments.grid), options, [&](const Theta& theta) {
    return see(structure_of(theta));
  });
}

std::vector<std::string> ladder_column_names() {
  std::vector<std::string> names = {"structure", "family", "theta", "omega", "psi", "nu"};
  for (const ColumnInfo& column : ladder_columns()) names.emplace_back(column.name);
  return names;
}

void put_range(TableWriter& table, const ExponentRange& range) {
  table.cell(range.lowest).cell(range.highest).cell(range.spread());
}

int print_ladder(const EnumerateArguments& arguments) {
  std::vector<Index> widths;
  for (const std::string& width : split_list(arguments.ladder)) {
    widths.push_back(parse_count(width, "--ladder"));
  }
  const SpaceOptions options = space_options(arguments);
  const Ladder ladder(widths, {options.d_in, options.d_out}, options.resolve);
  Output output(arguments.output.path);
  TableWriter table(chosen_format(arguments.output), ladder_column_names(), output.sink());
  Count rows = 0;
  walk_structures(arguments, [&](const Structure& structure) {
    const LadderReport report = ladder.report(structure);
    const Taxonomy place = taxonomy(structure.theta);
    table.cell(structure.name)
        .cell(to_string(family(structure)))
        .cell(to_string(structure.theta))
        .cell(place.omega)
        .cell(place.psi)
        .cell(place.nu);
    put_range(table, report.flops);
    put_range(table, report.params);
    put_range(table, report.rank);
    table.cell(report.rounding_error).end_row();
    return ++rows != arguments.limit;
  });
  table.finish();
  output.finish();
  return kDone;
}

int print_suggestion(const EnumerateArguments& arguments) {
  constexpr Count kMostStructures = 5000;
  if (arguments.narrowest >= arguments.widest) {
    throw Error("empty range of widths",
                {.where = "--from, --to",
                 .expected = fmt::format("--to above {}", arguments.narrowest),
                 .got = std::to_string(arguments.widest)});
  }
  std::vector<Structure> structures;
  walk_structures(arguments, [&](const Structure& structure) {
    structures.push_back(structure);
    return static_cast<Count>(structures.size()) <= kMostStructures;
  });
  if (structures.empty() || static_cast<Count>(structures.size()) > kMostStructures) {
    throw Error("bad number of structures",
                {.where = "--suggest-ladder",
                 .expected = fmt::format("1 to {}", kMostStructures),
                 .got = structures.empty() ? "none" : "more",
                 .hint = "a coarser grid, filters or --structures"});
  }
  const LadderRange range{arguments.narrowest, arguments.widest, static_cast<int>(arguments.rungs)};
  const std::vector<Rung> rungs =
      suggest_ladder(structures, range, space_options(arguments).resolve);
  Output output(arguments.output.path);
  TableWriter table(
      chosen_format(arguments.output), column_names(suggestion_columns()), output.sink());
  std::string widths;
  for (const Rung& rung : rungs) {
    table.cell(rung.width);
    &rung == &rungs.front() ? table.missing() : table.cell(rung.worst_deviation);
    table.end_row();
    widths += (widths.empty() ? "" : ",") + std::to_string(rung.width);
  }
  table.finish();
  output.finish();
  fmt::print(
      stderr, "einsearch: judged by {} structures; --ladder {}\n", structures.size(), widths);
  return kDone;
}

/// How many parts of the space the arguments name; one can be enumerated.
int spaces_named(const EnumerateArguments& arguments) {
  return (arguments.grid.empty() ? 0 : 1) + (arguments.samples > 0 ? 1 : 0) +
         (arguments.structures.empty() ? 0 : 1) + (arguments.lattice == "divisors" ? 1 : 0);
}

void check(const EnumerateArguments& arguments) {
  const int spaces = spaces_named(arguments);
  if (spaces != 1) {
    throw Error(
        spaces == 0 ? "nothing to enumerate" : "more than one space to enumerate",
        {.expected = "one of --grid 1/n, --lattice divisors, --sample N, --structures LIST"});
  }
  if (arguments.unique && arguments.grid.empty()) {
    throw Error("--unique needs --grid",
                {.hint = "--lattice divisors lists each choice of sizes once"});
  }
  if ((arguments.d_in > 0) != (arguments.d_out > 0)) {
    throw Error("one width is missing", {.expected = "both --d-in and --d-out"});
  }
}

int run(EnumerateArguments& arguments) {
  const bool is_ladder = !arguments.ladder.empty() || arguments.rungs > 0;
  if (is_ladder && spaces_named(arguments) == 0) arguments.structures = "dense,paper";
  check(arguments);
  if (!arguments.ladder.empty()) return print_ladder(arguments);
  if (arguments.rungs > 0) return print_suggestion(arguments);
  if (!arguments.pareto.empty()) return print_frontier(arguments);
  if (arguments.count) return count_candidates(arguments);
  return print_rows(arguments);
}

/// --min-X and --max-X for every numeric column; hidden from the help, which states the pattern.
void add_filter_options(CLI::App& command, EnumerateArguments& arguments) {
  const auto add = [&](const NumericColumn& column, std::string prefix, Comparison comparison) {
    const std::string underscored = prefix + std::string(column.name);
    std::string dashed = underscored;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    const auto parse = [&arguments, &column, comparison, dashed](const std::string& text) {
      arguments.filters.push_back({&column, comparison, parse_bound(text, dashed)});
    };
    const std::string names = dashed == underscored ? dashed : dashed + "," + underscored;
    command.add_option_function<std::string>(names, parse)->group("");
  };
  for (const NumericColumn& column : numeric_columns()) {
    add(column, "--min-", Comparison::at_least);
    add(column, "--max-", Comparison::at_most);
  }
  command
      .add_option_function<std::string>(
          "--where",
          [&arguments](const std::string& text) {
            for (const Filter& filter : parse_filters(text)) arguments.filters.push_back(filter);
          },
          "conditions that must all hold, e.g. \"omega<=0.5, rank=256\"; or --min-COLUMN X and "
          "--max-COLUMN X for any numeric column")
      ->type_name("CONDITIONS")
      ->group("Which candidates");
}

void add_space_options(CLI::App& command, EnumerateArguments& arguments) {
  command
      .add_option("--grid", arguments.grid, "the lattice of exponents that are multiples of 1/n")
      ->type_name("1/n")
      ->group("Space");
  command
      .add_option("--lattice",
                  arguments.lattice,
                  "divisors: all integer structures of d_in x d_out, n_rho up to where the set "
                  "of matrices stops growing or dense is cheaper")
      ->type_name("NAME")
      ->check(CLI::IsMember({"grid", "divisors"}))
      ->group("Space");
  add_count(
      command, "--sample", arguments.samples, "draw N theta uniformly from the continuous space")
      ->group("Space");
  add_count(command, "--seed", arguments.seed, "seed of --sample (default 0)", kNonNegative)
      ->needs("--sample")
      ->group("Space");
  command
      .add_option("--structures",
                  arguments.structures,
                  "a list of structures, e.g. dense,tt:1/4; paper: the 23 of data/structures.csv")
      ->type_name("LIST")
      ->group("Space");
  add_count(command, "--d-in", arguments.d_in, "inputs of the layer")->group("Space");
  add_count(command, "--d-out", arguments.d_out, "outputs of the layer")->group("Space");
  command.add_option("--rounding", arguments.rounding, "exact (default) or paper")
      ->type_name("RULE")
      ->check(CLI::IsMember({"exact", "paper"}))
      ->group("Space");
  command.add_option("--order", arguments.order, "cheaper (default), a-first or b-first")
      ->type_name("RULE")
      ->check(CLI::IsMember({"cheaper", "a-first", "b-first"}))
      ->group("Space");
}

void add_choice_options(CLI::App& command, EnumerateArguments& arguments) {
  const char* const group = "Which candidates";
  command
      .add_flag("--keep-redundant",
                arguments.keep_redundant,
                "keep theta that equal another one with factors exchanged, and degenerate ones")
      ->group(group);
  command
      .add_flag("--keep-degenerate",
                arguments.keep_degenerate,
                "keep canonical theta that are dearer than dense")
      ->group(group);
  command.add_flag("--unique", arguments.unique, "of theta with equal sizes only the first")
      ->group(group);
  command
      .add_option("--pareto",
                  arguments.pareto,
                  "only those that nothing dominates, e.g. flops,params,rank (rank and psi: "
                  "larger is better)")
      ->type_name("COLUMNS")
      ->group(group);
  add_count(command, "--limit", arguments.limit, "stop after N rows")->group(group);
}

void add_report_options(CLI::App& command, EnumerateArguments& arguments) {
  const char* const group = "What is printed";
  command.add_flag("--count", arguments.count, "only how many")->excludes("--limit")->group(group);
  command
      .add_option(
          "--ladder",
          arguments.ladder,
          "local exponents between these widths per structure (default: dense and paper); layers "
          "W x W, or d_in:d_out as --d-in and --d-out are")
      ->type_name("W1,W2,...")
      ->group(group);
  add_count(
      command,
      "--suggest-ladder",
      arguments.rungs,
      "propose N widths at which the local FLOPs exponents of these structures (default: dense "
      "and paper) stray least from 1 + nu",
      {2, 100})
      ->group(group);
  add_count(command,
            "--from",
            arguments.narrowest,
            "narrowest width of --suggest-ladder (default 64)",
            {2, kLargestWidth})
      ->needs("--suggest-ladder")
      ->group(group);
  add_count(command,
            "--to",
            arguments.widest,
            "widest width of --suggest-ladder (default 1024)",
            {2, kLargestWidth})
      ->needs("--suggest-ladder")
      ->group(group);
}

}  // namespace

void add_enumerate(CLI::App& app, Program& program) {
  static EnumerateArguments arguments;
  CLI::App* command =
      app.add_subcommand("enumerate", "Stream candidate structures with sizes, cost and taxonomy");
  add_space_options(*command, arguments);
  add_choice_options(*command, arguments);
  add_filter_options(*command, arguments);
  add_report_options(*command, arguments);
  add_count(*command,
            "--threads",
            arguments.threads,
            "threads (all cores that this process may use)",
            {1, 4096});
  add_output_options(*command, arguments.output);
  command->callback([&program] { program.run = [] { return run(arguments); }; });
}

}  // namespace einsearch
