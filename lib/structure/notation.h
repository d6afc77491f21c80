// Structures as text.
//
//   dense                      one plain matrix, theta (0|1|0|0|1|0|0)
//   low-rank:R                 (1|0|0|0|1|0|R)
//   kronecker                  (0.5|0.5|0|0.5|0.5|0|0)
//   tt, tt:R                   kronecker with rho = R, 1/4 if left out
//   monarch                    (0.5|0|0.5|0|0.5|0.5|0)
//   btt, btt:rank=R            monarch with rho = 0 or R
//   btt:ranks=K                monarch with n_rho = K at every width
//   btt1 ... g2                the 23 structures of arXiv 2410.02117
//   (a|b|g|d|e|p|r), a,b,...   theta itself, decimals or fractions such as 1/3
#pragma once

#include <string>
#include <string_view>

#include "structure/structure.h"
#include "structure/theta.h"

namespace einsearch {

/// Throws Error for an unknown name (with a suggestion) and for a bad theta.
Structure parse_structure(std::string_view text);

/// Seven exponents between bars or commas, with or without parentheses; throws Error.
Theta parse_theta(std::string_view text);

/// One exponent in [0, 1], decimal or fraction; throws Error naming `where`.
double parse_exponent(std::string_view text, const std::string& where);

/// The structure that is theta itself. Exactly (0|1|0|0|1|0|0) or its exchange is the plain dense
/// matrix.
Structure structure_of(const Theta& theta);

/// The shortest decimal when it has at most six decimals (0.33, 0.0625); else a fraction with a
/// denominator up to 1000 when that is the same double (1/3); else the shortest decimal. Reads back
/// to the same double in every case.
std::string exponent_text(double exponent);

/// (0.5|0|0.5|0|0.5|0.5|0)
std::string to_string(const Theta& theta);

/// The short name of a structure whose theta is one of the named ones (monarch, low-rank:1/2), else
/// theta itself; one that fixes its inner size keeps its name.
Structure with_familiar_name(const Structure& structure);

}  // namespace einsearch
