// einsearch config COMMAND: a file for --config with every option of the command, as comments.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"
#include "command.h"
#include "config_file.h"
#include "output.h"
#include "usage.h"

namespace einsearch {
namespace {

struct ConfigArguments {
  std::vector<std::string> command;
  std::string path = "-";
};

/// What the file of a command may say; options that help hides are left out.
std::string template_of(const ChosenCommand& chosen) {
  std::string header = chosen.path;
  std::replace(header.begin(), header.end(), ' ', '.');
  std::string text = fmt::format("[{}]\n", header);
  for (const std::string& key : config_keys(*chosen.command)) {
    const CLI::Option& option = *chosen.command->get_option("--" + key);
    if (option.get_group().empty()) continue;
    const bool is_flag = option.get_items_expected_max() == 0;
    const std::string value = is_flag ? "true" : "...";
    text += fmt::format("# {:<24}# {}\n", key + " = " + value, option.get_description());
  }
  return text;
}

int print_template(const CLI::App& app, const ConfigArguments& arguments) {
  const ChosenCommand chosen = find_command(app, arguments.command);
  if (!chosen.unknown.empty() || !chosen.is_complete()) {
    const std::vector<std::string> names = command_names(*chosen.command);
    throw Error("unknown command",
                {.where = "config",
                 .expected = fmt::format("one of {}", fmt::join(names, ", ")),
                 .got = chosen.unknown,
                 .hint = did_you_mean(chosen.unknown, names)});
  }
  Output output(arguments.path);
  output.write(template_of(chosen));
  output.finish();
  return kDone;
}

}  // namespace

void add_config(CLI::App& app, Program& program) {
  static ConfigArguments arguments;
  CLI::App* command = app.add_subcommand(
      "config", "Print a file for --config: all options of a command, as comments");
  command->add_option("command", arguments.command, "a command, e.g. train or data text")
      ->type_name("COMMAND")
      ->required();
  command
      ->add_option("-o,--output",
                   arguments.path,
                   "write to FILE, which appears whole or not at all; - is stdout")
      ->type_name("FILE");
  command->callback([&] { program.run = [&] { return print_template(app, arguments); }; });
}

}  // namespace einsearch
