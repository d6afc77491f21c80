// A linear layer as one expert of a mixture has it: it reads columns, which are copies of the
// samples that chose the expert, and what it makes is added to these samples (compute/routes.h).
//
// The batches of a product are independent of each other (compute/contraction.h). The copies are
// therefore made for a few batches at a time, which then find them in the nearest cache, and so it
// is with what goes back to samples.
#pragma once

#include "compute/routes.h"
#include "nn/linear.h"

namespace einsearch {

/// What the layers of one expert share during a pass over a block of samples.
template <typename Scalar>
struct ExpertPass {
  const Weights<Scalar>& weights;
  const Routes<Scalar>& routes;
  BlockView<Scalar> scratch;   ///< scratch_features() rows of columns
  Scalar* gradient = nullptr;  ///< for backward
  Scalar* slope = nullptr;     ///< of the columns, for backward
};

/// What an expert reads or makes: samples, whose copies or sums go through columns, or columns.
/// Columns of x have pad_in rows, those of y pad_out.
template <typename Scalar>
struct ExpertBlock {
  BlockView<Scalar> block = {};
  bool has_samples = false;
};

class ExpertLinear {
 public:
  /// A layer that is made with LinearOptions::is_expert.
  explicit ExpertLinear(const Linear& linear) : linear_(linear) {}

  const LayerShape& shape() const { return linear_.shape(); }

  /// Rows of columns that forward() leaves for backward(), and that either pass needs for itself.
  Index saved_features() const { return linear_.hidden_features(); }
  Index scratch_features() const;

  /// y = f(x) for columns, y += weight f(x) for samples. With a block `slope` of columns, as
  /// Linear::forward.
  template <typename Scalar>
  void forward(const ExpertPass<Scalar>& pass,
               ExpertBlock<const Scalar> x,
               ExpertBlock<Scalar> y,
               BlockView<Scalar> saved,
               BlockView<Scalar> slope = {}) const;

  /// dx = W^T dy for columns, dx += W^T dy for samples, where dx has data; the gradients by the
  /// weights are added to pass.gradient. Where dy are samples, it is weight dy for each column, and
  ///   slope += <W^T dy, x> + <dy, b> = weight dweight.
  template <typename Scalar>
  void backward(const ExpertPass<Scalar>& pass,
                ExpertBlock<const Scalar> x,
                BlockView<const Scalar> saved,
                ExpertBlock<const Scalar> dy,
                ExpertBlock<Scalar> dx) const;

 private:
  Linear linear_;
};

}  // namespace einsearch
