// The structures that the paper trains, by the names of its scripts; data/structures.csv lists the
// same for other programs.
#pragma once

#include <span>
#include <string_view>

#include "structure/theta.h"

namespace einsearch {

struct NamedTheta {
  std::string_view name;
  Theta theta;
};

/// The 23 einsum structures of arXiv 2410.02117's language-model experiments.
std::span<const NamedTheta> paper_structures();

}  // namespace einsearch
