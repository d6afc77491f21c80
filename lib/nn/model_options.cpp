#include "nn/model_options.h"

#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

using Roles = std::vector<LayerRole>;

struct RoleName {
  const char* name;
  Roles roles;
};

const std::vector<RoleName>& role_names() {
  using enum LayerRole;
  static const std::vector<RoleName> names = {
      {"in", {input}},
      {"q", {query}},
      {"k", {key}},
      {"v", {value}},
      {"o", {output}},
      {"up", {up}},
      {"down", {down}},
      {"head", {head}},
      {"qk", {query, key}},
      {"qkv", {query, key, value}},
      {"attention", {query, key, value, output}},
      {"ffn", {up, down}},
  };
  return names;
}

const Roles& parse_roles(std::string_view name) {
  std::vector<std::string> known;
  for (const RoleName& each : role_names()) {
    if (name == each.name) return each.roles;
    known.emplace_back(each.name);
  }
  throw Error("unknown role of layers",
              {.expected = "in, q, k, v, o, up, down, head, qk, qkv, attention or ffn",
               .got = std::string(name),
               .hint = did_you_mean(name, known)});
}

/// True where a comma of "qk=btt:rank=1/2,o=monarch" begins a new assignment: KEY= follows, and KEY
/// is no parameter of a structure.
bool begins_assignment(std::string_view rest) {
  const std::size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = rest.substr(0, equals);
  if (key.find_first_of(",(|:") != std::string_view::npos) return false;
  return key != "experts" && key != "active" && key != "rank" && key != "ranks";
}

std::vector<std::string_view> split_assignments(std::string_view text) {
  std::vector<std::string_view> items;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',' || !begins_assignment(text.substr(i + 1))) continue;
    items.push_back(text.substr(start, i - start));
    start = i + 1;
  }
  items.push_back(text.substr(start));
  return items;
}

/// Mixtures are of whole models: one gate and its losses for all layers that take them.
void require_no_mixture(std::string_view structure) {
  if (structure.substr(0, structure.find(':')).find("-moe") == std::string_view::npos) return;
  throw Error("a mixture for one role",
              {.expected = "a structure",
               .got = std::string(structure),
               .hint = "give the mixture as --structure and the other roles by --assign"});
}

}  // namespace

const char* to_string(LayerRole role) {
  return role_names()[static_cast<std::size_t>(role)].name;  // single roles come first
}

std::vector<RoleAssignment> parse_assignments(std::string_view text) {
  std::vector<RoleAssignment> assigned;
  for (const std::string_view item : split_assignments(text)) {
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      throw Error("bad assignment of structures",
                  {.expected = "ROLE=STRUCTURE, such as qk=monarch", .got = std::string(item)});
    }
    require_no_mixture(item.substr(equals + 1));
    const Structure structure = parse_structure(item.substr(equals + 1));
    for (const LayerRole role : parse_roles(item.substr(0, equals))) {
      const auto is_same = [role](const RoleAssignment& each) { return each.role == role; };
      if (std::any_of(assigned.begin(), assigned.end(), is_same)) {
        throw Error("two structures for one role",
                    {.expected = "one", .got = std::string(to_string(role)) + " twice"});
      }
      assigned.push_back({role, structure});
    }
  }
  std::sort(assigned.begin(), assigned.end(), [](const auto& a, const auto& b) {
    return a.role < b.role;
  });
  return assigned;
}

std::optional<Structure> layer_structure(const ModelOptions& options, LayerRole role) {
  for (const RoleAssignment& each : options.assigned) {
    if (each.role == role) return each.structure;
  }
  if (takes_structure(options.layers, role)) return options.structure;
  return std::nullopt;
}

bool aligns_any_heads(const ModelOptions& options) {
  using enum LayerRole;
  const auto is_structured = [&options](LayerRole role) {
    const std::optional<Structure> structure = layer_structure(options, role);
    return structure && !structure->is_dense;
  };
  return options.aligns_heads && (is_structured(query) || is_structured(key) ||
                                  is_structured(value) || is_structured(output));
}

std::string structure_text(const ModelOptions& options) {
  std::string text = ModelStructure{options.structure, options.mixture}.name();
  for (const RoleAssignment& each : options.assigned)
    text += std::string("+") + to_string(each.role) + "=" + each.structure.name;
  return text + (aligns_any_heads(options) ? "+heads" : "");
}

const std::vector<std::string>& layer_choice_names() {
  static const std::vector<std::string> names = {
      "all", "intermediate", "all-but-last", "ffn", "attention"};
  return names;
}

bool takes_structure(LayerChoice layers, LayerRole role) {
  const bool is_ffn = role == LayerRole::up || role == LayerRole::down;
  switch (layers) {
    case LayerChoice::all:
      return true;
    case LayerChoice::intermediate:
      return role != LayerRole::input && role != LayerRole::head;
    case LayerChoice::all_but_last:
      return role != LayerRole::head;
    case LayerChoice::ffn:
      return is_ffn;
    case LayerChoice::attention:
      return !is_ffn && role != LayerRole::input && role != LayerRole::head;
  }
  return false;
}

const char* to_string(LayerChoice layers) {
  return layer_choice_names()[static_cast<std::size_t>(layers)].c_str();
}

LayerChoice parse_layer_choice(std::string_view name) {
  const auto& names = layer_choice_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("unknown choice of layers",
                {.expected = "all, intermediate, all-but-last, ffn or attention",
                 .got = std::string(name),
                 .hint = did_you_mean(name, names)});
  }
  return static_cast<LayerChoice>(found - names.begin());
}

}  // namespace einsearch
