#include "config_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/suggest.h"
#include "io/mapped_file.h"
#include "io/table.h"
#include "usage.h"

namespace einsearch {
namespace {

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

class ConfigReader {
 public:
  ConfigReader(const CLI::App& app, CommandLine& line)
      : app_(app), line_(line), chosen_(find_command(app, line.words)) {}

  void read(const std::string& path) {
    path_ = path;
    const MappedFile file(path);
    const auto bytes = file.bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    try {
      const toml::table table = toml::parse(text, path);
      read_section(table, app_);
    } catch (const toml::parse_error& error) {
      throw Error("bad TOML", {.where = where(error.source().begin), .got = error.what()});
    }
    const auto position = static_cast<std::ptrdiff_t>(chosen_.words_before);
    line_.words.insert(line_.words.begin() + position, added_.begin(), added_.end());
  }

 private:
  std::string where(const toml::source_position& position) const {
    return fmt::format("{}:{}:{}", path_, position.line, position.column);
  }

  void read_section(const toml::table& table, const CLI::App& command) {
    const auto subcommands = command.get_subcommands({});
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (const toml::table* section = node.as_table()) {
        const auto found =
            std::find_if(subcommands.begin(), subcommands.end(), [&](const CLI::App* subcommand) {
              return subcommand->get_name() == name;
            });
        if (found == subcommands.end()) refuse_section(key, command);
        read_section(*section, **found);
      } else {
        read_option(key, node, command);
      }
    }
  }

  [[noreturn]] void refuse_section(const toml::key& key, const CLI::App& command) const {
    const std::string name(key.str());
    throw Error("a section that is no command",
                {.where = where(key.source().begin),
                 .got = fmt::format("[{}]", name),
                 .hint = did_you_mean(name, command_names(command))});
  }

  void read_option(const toml::key& key, const toml::node& node, const CLI::App& command) {
    const std::string name = with_dashes(std::string(key.str()));
    const std::vector<std::string> keys = config_keys(command);
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) {
      const std::string scope = &command == &app_ ? "" : command.get_name() + ", ";
      throw Error("unknown key",
                  {.where = scope + where(key.source().begin),
                   .got = std::string(key.str()),
                   .hint = did_you_mean(name, keys)});
    }
    const std::string option = "--" + name;
    const CLI::Option& declared = *command.get_option(option);
    const std::vector<std::string> words = words_of(option, declared, node);
    if (&command != &app_ && &command != chosen_.command) return;
    if (is_given(declared)) return;
    added_.insert(added_.end(), words.begin(), words.end());
    line_.origin[option] = fmt::format("{}:{}", path_, node.source().begin.line);
  }

  /// "--option=value", or the flag alone, as often as the option may stand.
  std::vector<std::string> words_of(const std::string& option,
                                    const CLI::Option& declared,
                                    const toml::node& node) const {
    const bool is_flag = declared.get_items_expected_max() == 0;
    if (is_flag != node.is_boolean())
      refuse_value(option, is_flag ? "true or false" : "a value", node);
    if (is_flag) return node.ref<bool>() ? std::vector{option} : std::vector<std::string>{};
    const toml::array* array = node.as_array();
    if (array == nullptr) return {option + "=" + text_of(option, node)};
    std::vector<std::string> values;
    for (const toml::node& item : *array) values.push_back(text_of(option, item));
    if (values.empty()) refuse_value(option, "at least one value", node);
    if (declared.get_items_expected_max() == 1)
      return {fmt::format("{}={}", option, fmt::join(values, ","))};
    for (std::string& value : values) value = option + "=" + value;
    return values;
  }

  std::string text_of(const std::string& option, const toml::node& node) const {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* count = node.as_integer()) return std::to_string(count->get());
    if (const auto* number = node.as_floating_point()) return format_number(number->get());
    refuse_value(option, "text, a number or a list of these", node);
  }

  [[noreturn]] void refuse_value(const std::string& option,
                                 const std::string& expected,
                                 const toml::node& node) const {
    throw Error(
        "bad value",
        {.where = fmt::format("{}, {}", where(node.source().begin), option), .expected = expected});
  }

  /// Whether the command line or the environment has this option.
  bool is_given(const CLI::Option& option) const {
    if (!option.get_envname().empty() && std::getenv(option.get_envname().c_str()) != nullptr)
      return true;
    return std::any_of(line_.words.begin(), line_.words.end(), [&](const std::string& word) {
      const std::string name = word.substr(0, word.find('='));
      const auto is_name = [&](const std::string& known) { return name == "--" + known; };
      const auto is_letter = [&](const std::string& known) {
        return word.starts_with("-" + known) && !word.starts_with("--");
      };
      const auto& names = option.get_lnames();
      const auto& letters = option.get_snames();
      return std::any_of(names.begin(), names.end(), is_name) ||
             std::any_of(letters.begin(), letters.end(), is_letter);
    });
  }

  const CLI::App& app_;
  CommandLine& line_;
  ChosenCommand chosen_;
  std::string path_;
  std::vector<std::string> added_;
};

}  // namespace

std::string CommandLine::origin_of(const std::string& message) const {
  for (const auto& [option, place] : origin) {
    const std::size_t begin = message.find(option);
    if (begin == std::string::npos) continue;
    const std::size_t end = begin + option.size();
    const bool is_whole = end == message.size() || message.find_first_of(" ,:=", end) == end;
    if (is_whole) return fmt::format(" ({} is in {})", option, place);
  }
  return "";
}

void add_config_option(CLI::App& app) {
  app.add_option_function<std::string>(
         "--config",
         [](const std::string&) {},
         "TOML file with a section per command, e.g. [train] steps = 1000; options given here win")
      ->type_name("FILE");
}

std::vector<std::string> config_keys(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (name != "help" && name != "version" && name != "config") keys.push_back(name);
    }
  }
  return keys;
}

CommandLine with_config(const CLI::App& app, std::vector<std::string> words) {
  CommandLine line{std::move(words), {}};
  std::string path;
  for (std::size_t i = 0; i < line.words.size(); ++i) {
    const std::string& word = line.words[i];
    if (word == "--") break;
    if (word == "--config" && i + 1 < line.words.size()) path = line.words[i + 1];
    if (word.starts_with("--config=")) path = word.substr(word.find('=') + 1);
  }
  if (!path.empty()) ConfigReader(app, line).read(path);
  return line;
}

}  // namespace einsearch
