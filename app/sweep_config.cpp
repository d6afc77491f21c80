#include "sweep_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/suggest.h"
#include "io/table.h"

namespace einsearch {
namespace {

constexpr const char* kSection = "sweep";

std::string place(const std::string& name, const toml::source_region& at) {
  return fmt::format("{}:{}:{}", name, at.begin.line, at.begin.column);
}

/// A value as the command line would have it. Theta with bare commas gets parentheses inside lists.
std::string value_text(const toml::node& node, const std::string& where, bool is_item) {
  if (const auto* text = node.as_string()) {
    const bool is_bare_theta = is_item && text->get().find(',') != std::string::npos &&
                               text->get().find_first_of("(=") == std::string::npos;
    return is_bare_theta ? "(" + text->get() + ")" : text->get();
  }
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* real = node.as_floating_point()) return format_number(real->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* array = node.as_array(); array != nullptr && !is_item) {
    std::vector<std::string> items;
    for (const toml::node& item : *array) items.push_back(value_text(item, where, true));
    return fmt::format("{}", fmt::join(items, ","));
  }
  throw Error("bad value", {.where = where, .expected = "text, a number, true, false or a list"});
}

/// Options that a file may set: all with a long name but help and the file itself.
std::vector<std::string> keys_of(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (name != "help" && name != "config") keys.push_back(name);
    }
  }
  return keys;
}

void set_option(CLI::Option& option, const std::string& value, const std::string& where) {
  const std::string shown = option.get_name() + ", " + where;
  const bool is_flag = option.get_expected_max() == 0;
  if (is_flag && value != "true" && value != "false")
    throw Error("bad value", {.where = shown, .expected = "true or false", .got = value});
  if (is_flag && value == "false") return;
  try {
    option.add_result(value);
    option.run_callback();
  } catch (const CLI::ParseError& fault) {
    throw Error("bad value", {.where = shown, .got = fault.what()});
  } catch (const Error& fault) {
    throw Error(fault.what(), {.where = where});
  }
}

toml::table parse(const std::string& text, const std::string& name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& fault) {
    throw Error("cannot read the TOML",
                {.where = place(name, fault.source()), .got = std::string(fault.description())});
  }
}

std::string toml_text(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

/// Gives `command` the options of section [sweep]. Throws Error with line and column.
void apply_config(CLI::App& command, const std::string& text, const std::string& name) {
  const toml::table file = parse(text, name);
  for (const auto& [key, node] : file) {
    if (node.is_table()) continue;
    throw Error("a key outside any section",
                {.where = place(name, node.source()),
                 .expected = fmt::format("[{}] above it", kSection),
                 .got = std::string(key.str())});
  }
  const toml::table* section = file[kSection].as_table();
  if (section == nullptr) {
    throw Error("nothing for this command",
                {.where = name, .expected = fmt::format("a section [{}]", kSection)});
  }
  const std::vector<std::string> keys = keys_of(command);
  for (const auto& [toml_key, node] : *section) {
    const std::string key(toml_key.str());
    const std::string where = place(name, toml_key.source());
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw Error("unknown key", {.where = where, .got = key, .hint = did_you_mean(key, keys)});
    }
    CLI::Option* option = command.get_option("--" + key);
    set_option(*option, value_text(node, where, false), where);
  }
}

}  // namespace

std::string effective_config(const CLI::App& command,
                             const std::vector<ModelStructure>& structures) {
  static const std::set<std::string> kGroups = {"Grid", "Model", "Task", "Training"};
  std::vector<std::string> names;
  for (const ModelStructure& structure : structures) names.push_back(toml_text(structure.name()));
  std::string text = fmt::format("[{}]\nstructures = [{}]\n", kSection, fmt::join(names, ", "));
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || !kGroups.contains(option->get_group())) continue;
    const std::string name = option->get_lnames().front();
    if (name == "structures") continue;
    std::string value = fmt::format("{}", fmt::join(option->results(), ","));
    if (name == "data") {
      std::vector<std::string> paths;  // x.npy,y.npy are two
      std::istringstream parts(value);
      for (std::string part; std::getline(parts, part, ',');)
        paths.push_back(std::filesystem::absolute(part).lexically_normal().string());
      value = fmt::format("{}", fmt::join(paths, ","));
    }
    const bool is_flag = option->get_expected_max() == 0;
    text += fmt::format("{} = {}\n", name, is_flag ? "true" : toml_text(value));
  }
  return text;
}

Grid grid_of_config(const std::string& text, const std::string& name) {
  CLI::App command;
  SweepArguments arguments;
  add_grid_options(command, arguments);
  add_model_options(command, arguments.run);
  add_task_options(command, arguments.run.task);
  add_training_options(command, arguments.run);
  apply_config(command, text, name);
  return grid_of(arguments, read_structures(arguments.structures));
}

}  // namespace einsearch
