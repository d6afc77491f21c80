// einsearch completion bash|zsh: a script that completes commands, options and their choices.
//
// The script holds one line per command: its path, and the words that may follow. A choice is
// offered behind the option that takes it; anything else is a file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "command.h"
#include "output.h"
#include "usage.h"

namespace einsearch {
namespace {

/// The choices of an option as its type name shows them: "FORMAT:{table,csv}".
std::string choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find(":{");
  if (begin == std::string::npos || !type.ends_with('}')) return "";
  std::string choices = type.substr(begin + 2, type.size() - begin - 3);
  std::replace(choices.begin(), choices.end(), ',', ' ');
  return choices;
}

/// Lines of a case statement: options with choices, then the command itself.
std::string cases_of(const CLI::App& command, const std::string& path) {
  std::string text;
  std::string words;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty() || option->get_lnames().empty()) continue;
    const std::string name = "--" + option->get_lnames().front();
    words += " " + name;
    const std::string choices = choices_of(*option);
    if (!choices.empty())
      text += fmt::format("    \"{} {}\") words=\"{}\" ;;\n", path, name, choices);
  }
  const std::vector<std::string> names = command_names(command);
  text += fmt::format("    \"{} \") words=\"{}{}\" ;;\n", path, fmt::join(names, " "), words);
  for (const CLI::App* subcommand : command.get_subcommands({}))
    text += cases_of(*subcommand, path + " " + subcommand->get_name());
  return text;
}

/// Paths of the commands that have commands of their own.
std::string groups_of(const CLI::App& app) {
  std::string groups;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!command->get_subcommands({}).empty()) groups += "|" + command->get_name();
  }
  return groups.empty() ? "-" : groups.substr(1);
}

std::string bash_script(const CLI::App& app) {
  return fmt::format(R"(_einsearch_words() {{
  case "$1" in
{}  esac
}}
_einsearch() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  local path="einsearch" words=""
  if [ "$COMP_CWORD" -gt 1 ]; then path="$path ${{COMP_WORDS[1]}}"; fi
  case "${{COMP_WORDS[1]}}" in
    {}) if [ "$COMP_CWORD" -gt 2 ]; then path="$path ${{COMP_WORDS[2]}}"; fi ;;
  esac
  case "$before" in
    --*) _einsearch_words "$path $before" ;;
  esac
  case "$word" in
    -*) _einsearch_words "$path " ;;
    *) if [ "$before" = "${{path##* }}" ]; then _einsearch_words "$path "; fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _einsearch einsearch
)",
                     cases_of(app, "einsearch"),
                     groups_of(app));
}

}  // namespace

void add_completion(CLI::App& app, Program& program) {
  static std::string shell;
  CLI::App* command = app.add_subcommand(
      "completion", "Print a completion script: source <(einsearch completion bash)");
  command->add_option("shell", shell, "bash or zsh")
      ->type_name("SHELL")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->callback([&] {
    program.run = [&] {
      Output output("-");
      if (shell == "zsh") output.write("autoload -U +X bashcompinit && bashcompinit\n");
      output.write(bash_script(app));
      output.finish();
      return static_cast<int>(kDone);
    };
  });
}

}  // namespace einsearch
