// A linear layer as models have it: plain, or a mixture of experts. Where its activations lie in
// the workspace is the layer's own business.
#pragma once

#include <variant>

#include "nn/mixture.h"
#include "nn/workspace.h"

namespace einsearch {

/// What all layers of a model share during a pass over one block of samples.
template <typename Scalar>
struct LayerPass {
  Weights<Scalar> weights;
  Rows<Scalar> rows;
  BlockView<Scalar> scratch;
  Scalar* scratch_columns = nullptr;  ///< room that Layer::scratch_columns() asks for
  const Scalar* token = nullptr;      ///< negative for samples that mixtures pass over; null: none
  double auxiliary_scale = 0;         ///< of each gate's auxiliary loss in the gradient
  Scalar* gradient = nullptr;         ///< for backward
};

class Layer {
 public:
  Layer(Linear linear) : kind_(std::move(linear)) {}
  Layer(Mixture mixture) : kind_(std::move(mixture)) {}

  /// Null for a plain layer.
  const Mixture* mixture() const { return std::get_if<Mixture>(&kind_); }

  /// Forward, per sample.
  Count flops() const;

  /// Without biases; of a mixture, those of all experts and the gate.
  Count weights() const;

  void take_rows(RowCounter& rows);
  Index scratch_features() const;  ///< rows of a plain layer

  /// Room for columns of a mixture.
  ColumnPlace scratch_columns() const {
    return mixture() != nullptr ? mixture()->scratch_columns() : ColumnPlace{};
  }

  /// As Linear::forward.
  template <typename Scalar>
  void forward(const LayerPass<Scalar>& pass,
               BlockView<const Scalar> x,
               BlockView<Scalar> y,
               BlockView<Scalar> slope = {},
               Store store = Store::overwrite) const;

  /// As Linear::backward. In a mixture dx must not be the block x.
  template <typename Scalar>
  void backward(const LayerPass<Scalar>& pass,
                BlockView<const Scalar> x,
                BlockView<const Scalar> dy,
                BlockView<Scalar> dx,
                BlockView<const Scalar> factor = {},
                Store store = Store::overwrite) const;

 private:
  std::variant<Linear, Mixture> kind_;
  Index saved_ = 0;  // row of a plain layer
};

}  // namespace einsearch
