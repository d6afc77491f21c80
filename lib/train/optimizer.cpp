#include "train/optimizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = {"adamw", "sgd", "lion"};
  return names;
}

const char* to_string(OptimizerKind kind) {
  return optimizer_names()[static_cast<std::size_t>(kind)].c_str();
}

OptimizerKind parse_optimizer(std::string_view name) {
  const auto& names = optimizer_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("unknown optimizer",
                {.expected = "adamw, sgd or lion",
                 .got = std::string(name),
                 .hint = did_you_mean(name, names)});
  }
  return static_cast<OptimizerKind>(found - names.begin());
}

double rate_multiplier(const OptimizerOptions& options, const ParameterInfo& tensor) {
  return options.kind == OptimizerKind::sgd ? tensor.lr_multiplier_sgd : tensor.lr_multiplier;
}

}  // namespace einsearch
