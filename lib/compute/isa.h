// The instruction sets that the kernels are compiled for, and which of them runs.
//
// Every kernel file is compiled twice, for x86-64-v3 and x86-64-v4. Both builds give the same bits:
// the order of every sum is fixed and each fused multiply-add is written out.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace einsearch {

/// Micro-architecture levels of the x86-64 psABI.
enum class Isa {
  v3,  ///< AVX2 and FMA, 2013 and later
  v4,  ///< AVX-512 F, BW, CD, DQ, VL
};

std::string to_string(Isa isa);

/// Throws Error for anything but "v3" and "v4" (also "x86-64-v3" and "x86-64-v4").
Isa parse_isa(const std::string& text);

/// What this processor offers, lowest first. Throws SystemError where even x86-64-v3 is missing.
std::vector<Isa> supported_isas();

/// The instruction set that the kernels of this process use: the one chosen by use_isa(), otherwise
/// the highest that this processor has.
Isa active_isa();

/// Makes all kernels use `isa`; nothing: the highest one again. Throws Error where the processor
/// lacks it. Not to be called while kernels run.
void use_isa(std::optional<Isa> isa);

}  // namespace einsearch
