// The kernels' tables of each instruction set; compute/kernel_tables.cpp chooses between them.
#pragma once

#include "compute/elementwise.h"
#include "compute/mixture_kernels.h"
#include "compute/peak.h"
#include "compute/product.h"
#include "compute/sequence_kernels.h"

namespace einsearch::v3 {
extern const ProductKernels<float> kProductsFloat;
extern const ProductKernels<double> kProductsDouble;
extern const ElementwiseKernels<float> kElementwiseFloat;
extern const ElementwiseKernels<double> kElementwiseDouble;
extern const MixtureKernels<float> kMixtureFloat;
extern const MixtureKernels<double> kMixtureDouble;
extern const PeakKernels kPeak;
extern const SequenceKernels<float> kSequenceFloat;
extern const SequenceKernels<double> kSequenceDouble;
void eigen_gemm(MatrixView<const float> w, BlockView<const float> x, BlockView<float> z);
}  // namespace einsearch::v3

namespace einsearch::v4 {
extern const ProductKernels<float> kProductsFloat;
extern const ProductKernels<double> kProductsDouble;
extern const ElementwiseKernels<float> kElementwiseFloat;
extern const ElementwiseKernels<double> kElementwiseDouble;
extern const MixtureKernels<float> kMixtureFloat;
extern const MixtureKernels<double> kMixtureDouble;
extern const PeakKernels kPeak;
extern const SequenceKernels<float> kSequenceFloat;
extern const SequenceKernels<double> kSequenceDouble;
void eigen_gemm(MatrixView<const float> w, BlockView<const float> x, BlockView<float> z);
}  // namespace einsearch::v4
