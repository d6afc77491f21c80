// einsearch search: from the space of structures to a ranked few, with evidence.

#include "arguments.h"
#include "base/error.h"
#include "budget_search.h"
#include "command.h"
#include "output.h"
#include "replay_search.h"

namespace einsearch {
namespace {

struct SearchOptions {
  std::string preset;
  std::vector<std::string> archives;  ///< of --replay
  const CLI::App* command = nullptr;
  BudgetSearchOptions budget;
};

/// The first option given that decides what is trained, or an empty name.
std::string own_choice(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string& group = option->get_group();
    const bool decides = group != "Execution" && group != "Options" && group != "OPTIONS";
    if (decides && option->count() > 0 && option->get_name() != "--replay")
      return option->get_name();
  }
  return {};
}

/// The standard search where nothing else is asked for.
int search(SearchOptions options) {
  const std::string own = own_choice(*options.command);
  if (!options.archives.empty()) {
    if (!options.preset.empty() || !options.budget.space.empty() ||
        !options.budget.budget.empty() || options.budget.is_dry) {
      throw Error("--replay trains nothing",
                  {.expected = "no --space, --budget, --preset or --dry-run beside it"});
    }
    return replay_search(
        options.archives, options.budget, options.command->get_option("--strategy")->count() > 0);
  }
  if (!options.preset.empty() && !own.empty()) {
    throw Error("--preset is a whole search of its own",
                {.expected = "no " + own + " beside it", .hint = "or --space and --budget"});
  }
  if (own.empty()) {
    set_standard(options.budget);
    if (options.budget.folder.empty()) options.budget.folder = "results/standard";
  }
  return budget_search(options.budget);
}

}  // namespace

void add_search(CLI::App& app, Program& program) {
  static SearchOptions options;
  CLI::App* command =
      app.add_subcommand("search", "Find, train and rank structures: the whole way in one command");
  command
      ->add_option("--preset",
                   options.preset,
                   "standard: the lattice 1/3 on a small regression task, about a minute on two "
                   "cores; what is done where nothing else is asked for")
      ->check(CLI::IsMember({"standard"}));
  command
      ->add_option("-o,--output",
                   options.budget.folder,
                   "folder of results (results/search, results/standard)")
      ->type_name("DIR");
  command
      ->add_option("--format",
                   options.budget.format,
                   "of the ranking on stdout: table, csv, tsv, jsonl, json, md")
      ->type_name("FORMAT")
      ->check(CLI::IsMember(table_format_names()));
  command
      ->add_option("--replay",
                   options.archives,
                   "train nothing: what strategies would have found in these exhaustive sweeps "
                   "(stores or files of curves)")
      ->type_name("STORE ...")
      ->group("Search");
  add_budget_search(*command, options.budget);
  options.command = command;
  command->callback([&program] { program.run = [] { return search(options); }; });
}

}  // namespace einsearch
