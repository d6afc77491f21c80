#include "usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <regex>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {
namespace {

std::vector<std::string> split_at_commas(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    words.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

/// What CLI11 says of a value, in the program's own words.
std::string value_message(const std::string& text, const std::string& command) {
  std::smatch part;
  if (std::regex_match(text, part, std::regex("(-[^:]*): (.*) not in \\{(.*)\\}"))) {
    const std::vector<std::string> choices = split_at_commas(part[3]);
    const ErrorDetail detail{.where = part[1],
                             .expected = fmt::format("{}", fmt::join(choices, ", ")),
                             .got = fmt::format("\"{}\"", part[2].str()),
                             .hint = did_you_mean(part[2].str(), choices)};
    return Error("bad value", detail).what();
  }
  // CLI11 does not name an option that its help hides; only the filters are.
  const std::string named = text.starts_with(":") ? "--min-COLUMN or --max-COLUMN" + text : text;
  if (std::regex_match(named, part, std::regex("(-[^:]*): At Most 1 required but received.*"))) {
    return Error("option given more than once", {.where = part[1]}).what();
  }
  if (std::regex_match(named, part, std::regex("(-[^:]*): 1 required .*"))) {
    return Error("option without its value", {.where = part[1]}).what();
  }
  if (std::regex_match(named, part, std::regex("The following arguments? w[^:]*: (.*)"))) {
    return Error("unexpected argument", {.where = command, .got = part[1]}).what();
  }
  if (std::regex_match(named, part, std::regex("(-[^ ]*) requires (-[^ ]*)"))) {
    return Error(part[1].str() + " has no effect", {.where = "without " + part[2].str()}).what();
  }
  if (std::regex_match(named, part, std::regex("(-[^ ]*) excludes (-[^ ]*)"))) {
    return Error(part[1].str() + " and " + part[2].str() + " do not go together").what();
  }
  return Error(named).what();
}

bool takes_value(const CLI::App& app, const std::string& option) {
  const CLI::Option* found = app.get_option_no_throw(option);
  return found != nullptr && found->get_items_expected_max() > 0;
}

/// The first word that looks like an option and is none, or nothing.
std::string unknown_option(const CLI::App& app,
                           const ChosenCommand& chosen,
                           const std::vector<std::string>& words) {
  std::vector<std::string> options;
  for (const CLI::App* scope : {&app, chosen.command}) {
    for (const CLI::Option* option : scope->get_options()) {
      for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
    }
  }
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || std::find(options.begin(), options.end(), name) != options.end())
      continue;
    const ErrorDetail detail{
        .where = chosen.path, .got = name, .hint = did_you_mean(name, options)};
    return Error("unknown option", detail).what();
  }
  return "";
}

}  // namespace

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

ChosenCommand find_command(const CLI::App& app, const std::vector<std::string>& words) {
  ChosenCommand chosen{&app, "", 0, ""};
  for (std::size_t i = 0; i < words.size() && !chosen.is_complete(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with('-')) {
      if (app.get_option_no_throw(word.substr(0, word.find('='))) == nullptr) return chosen;
      if (takes_value(app, word)) ++i;
      continue;
    }
    const std::vector<std::string> names = command_names(*chosen.command);
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      chosen.unknown = word;
      return chosen;
    }
    chosen.command = chosen.command->get_subcommands(
        [&](const CLI::App* command) { return command->get_name() == word; })[0];
    chosen.path += (chosen.path.empty() ? "" : " ") + word;
    chosen.words_before = i + 1;
  }
  return chosen;
}

std::string usage_message(const CLI::App& app,
                          const CLI::ParseError& error,
                          const std::vector<std::string>& words) {
  const ChosenCommand chosen = find_command(app, words);
  if (!chosen.unknown.empty()) {
    const ErrorDetail detail{.where = chosen.path,
                             .got = chosen.unknown,
                             .hint = did_you_mean(chosen.unknown, command_names(*chosen.command))};
    return Error("unknown command", detail).what();
  }
  const std::string unknown = unknown_option(app, chosen, words);
  if (!unknown.empty()) return unknown;
  // A command line may lack its command for want of an option's value: CLI11 says so itself.
  if (!chosen.is_complete() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    const std::string space = chosen.path.empty() ? "" : " ";
    return fmt::format("no command given, see einsearch{}{} --help", space, chosen.path);
  }
  return value_message(error.what(), chosen.path);
}

}  // namespace einsearch
