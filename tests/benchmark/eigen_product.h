// Eigen's matrix product, the yardstick for ours.
#pragma once

#include "base/types.h"

namespace einsearch {

/// z = w x, all row-major: w (rows, inner), x (inner, samples), z (rows, samples), on one thread.
void eigen_product(
    const float* w, const float* x, float* z, Index rows, Index inner, Index samples);

/// dw += dz x^T: dz (rows, samples), x (inner, samples), dw (rows, inner).
void eigen_outer_product(
    const float* dz, const float* x, float* dw, Index rows, Index inner, Index samples);

}  // namespace einsearch
