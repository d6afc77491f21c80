// Does this machine compute what it should? Every kernel of every instruction set that the
// processor has against plain loops in double, gradients against central differences, and trainings
// that must end in the same bits.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace einsearch {

/// Digest of the trained numbers of a few small models, the same on every machine. Whoever changes
/// it changes results: it goes together with kNumericsVersion (train/run_spec.h).
inline constexpr std::string_view kNumericsSignature = "6eed9e469182d2ab";

struct SelfCheck {
  std::string check;
  std::string isa;
  double worst_error = 0;
  double tolerance = 0;
  std::string signature = {};  ///< of the check `signature` only
  bool is_passed = false;
};

using CheckReport = std::function<void(const SelfCheck&)>;

/// Runs all checks, the signature last; true when all passed.
bool run_selftest(const CheckReport& report);

}  // namespace einsearch
