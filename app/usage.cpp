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
  return Error(named).what();
}

}  // namespace

std::string usage_message(const CLI::App& app,
                          const CLI::ParseError& error,
                          int argc,
                          char** argv) {
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  const std::string first = argc > 1 ? argv[1] : "";
  const CLI::App* chosen = nullptr;
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == first) chosen = command;
  }
  if (chosen == nullptr && !first.empty() && first[0] != '-') {
    const ErrorDetail detail{.got = first, .hint = did_you_mean(first, commands)};
    return Error("unknown command", detail).what();
  }
  if (first.empty()) return "no command given, see einsearch --help";
  const CLI::App& scope = chosen != nullptr ? *chosen : app;
  std::vector<std::string> options = {"--color", "--isa"};
  for (const CLI::Option* option : scope.get_options()) {
    for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
  }
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (!word.starts_with("--") || std::find(options.begin(), options.end(), word) != options.end())
      continue;
    const ErrorDetail detail{.where = chosen != nullptr ? chosen->get_name() : "",
                             .got = word,
                             .hint = did_you_mean(word, options)};
    return Error("unknown option", detail).what();
  }
  return value_message(error.what(), chosen != nullptr ? chosen->get_name() : "");
}

}  // namespace einsearch
