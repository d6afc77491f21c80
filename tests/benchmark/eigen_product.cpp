// The only file of the program that uses Eigen: it is compiled for this machine's processor, and
// other files with Eigen, compiled for less, would share functions and alignments with it.
#include "benchmark/eigen_product.h"

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

namespace einsearch {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using In = Eigen::Map<const Matrix>;
using Out = Eigen::Map<Matrix>;

}  // namespace

void eigen_product(
    const float* w, const float* x, float* z, Index rows, Index inner, Index samples) {
  Out(z, rows, samples).noalias() = In(w, rows, inner) * In(x, inner, samples);
}

void eigen_outer_product(
    const float* dz, const float* x, float* dw, Index rows, Index inner, Index samples) {
  Out(dw, rows, inner).noalias() += In(dz, rows, samples) * In(x, inner, samples).transpose();
}

}  // namespace einsearch
