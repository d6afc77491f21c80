// The kernels' tables of each instruction set; compute/kernel_tables.cpp chooses between them.
#pragma once

#include "compute/elementwise.h"
#include "compute/product.h"

namespace einsearch::v3 {
extern const ProductKernels<float> kProductsFloat;
extern const ProductKernels<double> kProductsDouble;
extern const ElementwiseKernels<float> kElementwiseFloat;
extern const ElementwiseKernels<double> kElementwiseDouble;
}  // namespace einsearch::v3

namespace einsearch::v4 {
extern const ProductKernels<float> kProductsFloat;
extern const ProductKernels<double> kProductsDouble;
extern const ElementwiseKernels<float> kElementwiseFloat;
extern const ElementwiseKernels<double> kElementwiseDouble;
}  // namespace einsearch::v4
