#include "nn/model_options.h"

#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {

const std::vector<std::string>& layer_choice_names() {
  static const std::vector<std::string> names = {"all", "intermediate", "all-but-last"};
  return names;
}

const char* to_string(LayerChoice layers) {
  return layer_choice_names()[static_cast<std::size_t>(layers)].c_str();
}

LayerChoice parse_layer_choice(std::string_view name) {
  const auto& names = layer_choice_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("unknown choice of layers",
                {.expected = "all, intermediate or all-but-last",
                 .got = std::string(name),
                 .hint = did_you_mean(name, names)});
  }
  return static_cast<LayerChoice>(found - names.begin());
}

}  // namespace einsearch
