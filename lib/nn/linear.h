// A linear layer of any structure: y = W x + b, where W is dense or the product of two factors.
#pragma once

#include <optional>
#include <string>

#include "compute/block.h"
#include "compute/contraction.h"
#include "nn/weights.h"
#include "structure/layer_shape.h"

namespace einsearch {

struct LinearOptions {
  bool has_bias = true;
  bool is_zero_initialised = false;  ///< the factor applied last starts at zero
  bool has_weight_norm = false;      ///< structured layers only, see WeightNorm
  bool has_gain = false;             ///< a learned gain of each factor, with weight normalisation
  Index base_in = 0;                 ///< inputs of this layer in the base model, for muP; 0: d_in
  Index base_out = 0;                ///< outputs of this layer in the base model; 0: d_out
  bool has_default_init = false;     ///< std fan_in^-1/2, of layers that are never structured and
                                     ///< of mixtures over the rank
  Index experts = 1;  ///< layers of this shape whose factors are one tensor, see Linear::expert
};

/// Where the layer's parameters lie, and what it multiplies. Holds no numbers: values, gradients
/// and activations are passed in.
///
/// With d_in != pad_in the input is extended by zeros or its last features are dropped; with d_out
/// != pad_out the output is cut or extended by zeros. The bias has pad_out entries and is added
/// before that.
class Linear {
 public:
  /// Adds NAME.weight, or NAME.A and NAME.B, their gains and NAME.bias to `layout`. Several experts
  /// are the leading axis of the weights; they have no bias.
  /// Initial standard deviations and learning-rate multipliers follow structure/factor_rule.h; the
  /// multipliers of muP come on top: base_in / d_in for Adam, (d_out / d_in) / (base_out / base_in)
  /// for SGD.
  Linear(ParameterLayout& layout,
         const std::string& name,
         const LayerShape& shape,
         const LinearOptions& options);

  /// The layer of one of the experts; the layer itself is that of the first.
  Linear expert(Index which) const;

  const LayerShape& shape() const { return shape_; }

  /// Rows that forward() leaves for backward(): the intermediate z, unless computing it once more
  /// is cheaper, and, where needed, the extended input.
  Index saved_features() const;

  /// Rows that either pass needs for itself.
  Index scratch_features() const;

  /// y = W x + b        x (d_in, N) -> y (d_out, N)
  /// With a block `slope` (d_out, N): y = gelu(W x + b) and slope = gelu'(W x + b).
  /// With Store::accumulate, and then without slope: y += W x + b.
  template <typename Scalar>
  void forward(const Weights<Scalar>& weights,
               BlockView<const Scalar> x,
               BlockView<Scalar> y,
               BlockView<Scalar> saved,
               BlockView<Scalar> scratch,
               BlockView<Scalar> slope = {},
               Store store = Store::overwrite) const;

  /// dW += dy x^T and db += sum_n dy, into `gradient`; dx = W^T dy, unless dx has no data. dx may
  /// be the block x. With a block `factor` (d_in, N): dx = factor * (W^T dy), element by element.
  /// With Store::accumulate, and then without factor: dx += W^T dy.
  template <typename Scalar>
  void backward(const Weights<Scalar>& weights,
                BlockView<const Scalar> x,
                BlockView<const Scalar> saved,
                BlockView<const Scalar> dy,
                BlockView<Scalar> dx,
                BlockView<Scalar> scratch,
                Scalar* gradient,
                BlockView<const Scalar> factor = {},
                Store store = Store::overwrite) const;

  /// One of the products that make y from x: x -> y of a dense layer, else x -> z and z -> y, part
  /// by part of z. For layers that run side by side, see nn/expert_layers.h.
  struct Step {
    BatchedProduct product = {};
    Index weights = 0;  ///< offset of the product's
    bool reads_input = false, makes_output = false;
    Index hidden_row = 0, output_row = 0;  ///< where the part's rows of z and of y start
  };

  /// In the order of forward().
  Index steps() const { return shape_.is_dense ? 1 : 2 * steps_.parts(); }
  Step step(Index index) const;

  Index hidden_features() const;  ///< rows of z, 0 of a dense layer
  Index kept_features() const;    ///< of these, those that forward() leaves for backward()
  Index part_features() const;    ///< rows of z of the largest part, 0 of a dense layer

  /// Whether backward() computes each part of z once more.
  bool recomputes_hidden() const { return !shape_.is_dense && steps_.recomputes_z(); }

  /// Of the bias in the layout, if there is one.
  std::optional<Index> bias_offset() const {
    return bias_offset_ >= 0 ? std::optional(bias_offset_) : std::nullopt;
  }

 private:
  bool extends_input() const { return shape_.sizes.pad_in() > shape_.d_in; }
  bool extends_output() const { return shape_.sizes.pad_out() > shape_.d_out; }
  bool is_in_parts() const { return !shape_.is_dense && steps_.parts() > 1; }

  template <typename Scalar>
  BlockView<const Scalar> padded_input(BlockView<const Scalar> x,
                                       BlockView<const Scalar> saved) const;

  LayerShape shape_;
  BatchedProduct dense_;
  TwoFactorContraction steps_;
  Index first_offset_ = 0;  ///< weight of a dense layer, or of the factor applied first
  Index second_offset_ = 0;
  Index bias_offset_ = -1;  ///< -1: no bias
};

}  // namespace einsearch
