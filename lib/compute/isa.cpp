#include "compute/isa.h"

#include <atomic>

#include "base/error.h"
#include "base/suggest.h"

namespace einsearch {
namespace {

std::optional<Isa> highest_isa() {
  const bool has_v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool has_v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (!has_v3) return std::nullopt;
  return has_v4 ? Isa::v4 : Isa::v3;
}

std::atomic<Isa>& chosen_isa() {
  static std::atomic<Isa> isa{supported_isas().back()};
  return isa;
}

}  // namespace

std::string to_string(Isa isa) { return isa == Isa::v4 ? "v4" : "v3"; }

Isa parse_isa(const std::string& text) {
  for (const Isa isa : {Isa::v3, Isa::v4}) {
    if (text == to_string(isa) || text == "x86-64-" + to_string(isa)) return isa;
  }
  throw Error("unknown instruction set",
              {.expected = "v3 or v4", .got = text, .hint = did_you_mean(text, {"v3", "v4"})});
}

std::vector<Isa> supported_isas() {
  const std::optional<Isa> highest = highest_isa();
  if (!highest) {
    throw SystemError("this processor is too old for einsearch",
                      {.expected = "x86-64-v3 (AVX2 and FMA, 2013 or later)"});
  }
  if (*highest == Isa::v3) return {Isa::v3};
  return {Isa::v3, Isa::v4};
}

Isa active_isa() { return chosen_isa().load(std::memory_order_relaxed); }

void use_isa(std::optional<Isa> isa) {
  const Isa highest = supported_isas().back();
  if (isa && *isa > highest) {
    throw Error("this processor lacks the instruction set asked for",
                {.expected = "at most " + to_string(highest), .got = to_string(*isa)});
  }
  chosen_isa().store(isa.value_or(highest), std::memory_order_relaxed);
}

}  // namespace einsearch
