// Eigen's matrix product, which `einsearch bench` measures beside ours.
//
// The file is compiled once for each instruction set. Eigen's templates get a namespace of their
// own in each, so that the linker cannot take one compiled for another processor.
#ifdef __AVX512F__
#define Eigen EigenOfV4
#else
#define Eigen EigenOfV3
#endif
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "compute/kernel_tables.h"

namespace einsearch::EINSEARCH_ISA {

void eigen_gemm(MatrixView<const float> w, BlockView<const float> x, BlockView<float> z) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Stride = Eigen::OuterStride<>;
  using In = Eigen::Map<const Matrix, Eigen::Unaligned, Stride>;
  Eigen::Map<Matrix, Eigen::Unaligned, Stride> out(z.data, z.features, z.samples, Stride(z.stride));
  out.noalias() = In(w.data, w.rows, w.columns, Stride(w.row_stride)) *
                  In(x.data, x.features, x.samples, Stride(x.stride));
}

}  // namespace einsearch::EINSEARCH_ISA
