// A layer as a short Python program: reshape, einsum, einsum, reshape.
#pragma once

#include <string>
#include <string_view>

#include "structure/candidate.h"

namespace einsearch {

enum class CodeDialect { numpy, torch, jax };

/// numpy, torch or jax; throws Error.
CodeDialect parse_code_dialect(std::string_view text);

/// A runnable module that defines the constants of the layer, `init` (NumPy, JAX) or the module
/// `StructuredLinear` (PyTorch), and `apply(x, A, B, bias=None)` (dense: `apply(x, W, bias=None)`),
/// which maps (..., d_in) to (..., d_out):
///     input index  (g n_beta + b) n_alpha + a         A (phi, delta, rho, gamma, alpha)
///     output index (f n_epsilon + e) n_delta + d      B (phi, epsilon, rho, gamma, beta)
/// x is zero-padded or cut to pad_in; a bias of length pad_out is added before the output is cut or
/// zero-padded to d_out. The steps run in the layer's order of contraction.
std::string layer_code(const Candidate& candidate, CodeDialect dialect);

}  // namespace einsearch
