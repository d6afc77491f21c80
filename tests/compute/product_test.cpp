#include "compute/product.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "compute/random_block.h"

using namespace einsearch;

namespace {

template <typename Scalar>
constexpr double kTolerance = std::is_same_v<Scalar, float> ? 1e-5 : 1e-13;

const std::vector<Index> kExtents = {1, 2, 5, 6, 7, 12, 13, 17, 33};
const std::vector<Index> kSamples = {1, 15, 16, 17, 130};

}  // namespace

TEST_CASE_TEMPLATE("a product equals the plain triple loop, through W and its transpose",
                   Scalar,
                   float,
                   double) {
  for (const Index rows : kExtents) {
    for (const Index inner : kExtents) {
      for (const Index samples : kSamples) {
        for (const bool is_transposed : {false, true}) {
          CAPTURE(rows);
          CAPTURE(inner);
          CAPTURE(samples);
          const AlignedBuffer<Scalar> w = random_values<Scalar>(rows * inner, 1);
          const MatrixView<const Scalar> stored =
              is_transposed ? MatrixView<const Scalar>{w.data(), inner, rows, rows, 1}
                            : MatrixView<const Scalar>{w.data(), rows, inner, inner, 1};
          const MatrixView<const Scalar> view = is_transposed ? stored.transposed() : stored;
          const RandomBlock<Scalar> x(inner, samples, 2), start(rows, samples, 3);
          RandomBlock<Scalar> z(rows, samples, 3), fresh(rows, samples, 4);
          products<Scalar>().multiply(view, x.view, z.view, Store::accumulate);
          products<Scalar>().multiply(view, x.view, fresh.view, Store::overwrite);
          double worst = 0;
          for (Index m = 0; m < rows; ++m) {
            for (Index n = 0; n < samples; ++n) {
              double sum = 0, size = 1;
              for (Index k = 0; k < inner; ++k) {
                const double weight = view.data[m * view.row_stride + k * view.column_stride];
                sum += weight * x.view.row(k)[n];
                size += std::abs(weight * x.view.row(k)[n]);
              }
              worst = std::max(worst, std::abs(fresh.view.row(m)[n] - sum) / size);
              worst =
                  std::max(worst, std::abs(z.view.row(m)[n] - sum - start.view.row(m)[n]) / size);
            }
          }
          CHECK(worst <= kTolerance<Scalar>);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("an outer product equals the plain triple loop and touches nothing else",
                   Scalar,
                   float,
                   double) {
  for (const Index rows : kExtents) {
    for (const Index columns : kExtents) {
      for (const Index samples : kSamples) {
        CAPTURE(rows);
        CAPTURE(columns);
        CAPTURE(samples);
        const RandomBlock<Scalar> dz(rows, samples, 1), x(columns, samples, 2);
        const Index row_stride = columns + 3;
        const AlignedBuffer<Scalar> start = random_values<Scalar>(rows * row_stride, 5);
        AlignedBuffer<Scalar> dw = random_values<Scalar>(rows * row_stride, 5);
        products<Scalar>().accumulate_outer(
            dz.view, x.view, {dw.data(), rows, columns, row_stride, 1});
        double worst = 0;
        for (Index m = 0; m < rows; ++m) {
          for (Index k = 0; k < row_stride; ++k) {
            double sum = start.data()[m * row_stride + k], size = 1 + std::abs(sum);
            for (Index n = 0; n < (k < columns ? samples : 0); ++n) {
              sum += static_cast<double>(dz.view.row(m)[n]) * x.view.row(k)[n];
              size += std::abs(static_cast<double>(dz.view.row(m)[n]) * x.view.row(k)[n]);
            }
            worst = std::max(worst, std::abs(dw.data()[m * row_stride + k] - sum) / size);
          }
        }
        CHECK(worst <= kTolerance<Scalar>);
      }
    }
  }
}
