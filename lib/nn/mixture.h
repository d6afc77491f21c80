// A mixture of experts in the place of one linear layer, or of one feed-forward network:
//
//   y = sum over the K experts that the gate (nn/gate.h) chooses for a sample of  weight_e f_e(x)
//
// An expert f is a linear layer of any structure, or two with GELU between. Only the chosen experts
// are computed: the samples of a block are copied, sorted by expert, and each expert multiplies the
// block of its own (nn/expert_layers.h). Sums over experts run in the order of experts.
//
//   f_e is given dy_e = weight_e dy,  dx = sum_e dx_e + W_gate^T dlogits
//   dweight_e weight_e = <dy_e, f_e(x)> = <W_e^T dy_e, a> + <dy_e, b_e>
//
// for an expert that ends with the linear map W_e a + b_e, so that neither the experts' outputs nor
// the copies of their inputs are kept for the backward pass.
//
// FLOPs per sample, forward: K those of an expert, and 2 E d_in of the gate.
//
// The mixture over the rank (BTT-MoE of arXiv 2410.02117) has E times the inner size rho: expert e
// is the layer that the e-th part of the inner axis makes, y = B diag(weight) A x. Its factors are
// two tensors with the expert axis in front, normalised as wholes and each with a learned gain, and
// start at std fan_in^-1/2; the bias, if any, is one for all experts.
#pragma once

#include <optional>
#include <vector>

#include "nn/expert_layers.h"
#include "nn/gate.h"

namespace einsearch {

/// The structure of one layer inside a mixture, and how it is made.
struct ExpertLayer {
  LayerShape shape;
  LinearOptions options;
};

class Mixture {
 public:
  /// Experts are linear layers: NAME.experts.0 ... and NAME.gate.
  static Mixture of_layers(ParameterLayout& layout,
                           const std::string& name,
                           const ExpertLayer& layer,
                           const GateOptions& gate);

  /// Experts are parts of the inner axis: NAME.A, NAME.B, their gains, NAME.bias and NAME.gate.
  static Mixture of_ranks(ParameterLayout& layout,
                          const std::string& name,
                          const ExpertLayer& layer,
                          const GateOptions& gate);

  /// Experts are feed-forward networks: NAME.experts.0.up, NAME.experts.0.down ... and NAME.gate.
  static Mixture of_networks(ParameterLayout& layout,
                             const std::string& name,
                             const ExpertLayer& up,
                             const ExpertLayer& down,
                             const GateOptions& gate);

  const Gate& gate() const { return gate_; }
  Index inputs() const { return up_.shape().d_in; }
  Index outputs() const { return last_shape().d_out; }
  Count flops() const;
  Count weights() const;  ///< of all experts and the gate, without biases

  void take_rows(RowCounter& rows);

  /// Room for columns that either pass needs for itself.
  ColumnPlace scratch_columns() const;

  /// As Linear::forward, but that what is kept for backward lies in what take_rows() took, and
  /// `scratch` is room for columns.
  /// Samples with a negative `token` (null: none) get the bias alone.
  template <typename Scalar>
  void forward(const Weights<Scalar>& weights,
               const Rows<Scalar>& rows,
               const Scalar* token,
               BlockView<const Scalar> x,
               BlockView<Scalar> y,
               Scalar* scratch,
               BlockView<Scalar> slope,
               Store store) const;

  /// As Linear::backward, and the gradient of auxiliary_scale * the gate's auxiliary loss. dx is
  /// not the block x.
  template <typename Scalar>
  void backward(const Weights<Scalar>& weights,
                const Rows<Scalar>& rows,
                const Scalar* token,
                double auxiliary_scale,
                BlockView<const Scalar> x,
                BlockView<const Scalar> dy,
                BlockView<Scalar> dx,
                Scalar* scratch,
                Scalar* gradient,
                BlockView<const Scalar> factor,
                Store store) const;

 private:
  Mixture(std::vector<Linear> up, Gate gate) : up_(std::move(up)), gate_(std::move(gate)) {}

  const LayerShape& last_shape() const { return (down_ ? *down_ : up_).shape(); }
  Index between_features() const;  // of columns between up and down

  template <typename Scalar>
  ColumnRows<Scalar> between(Scalar* room) const {
    return {room, between_features(), 0, between_features()};
  }

  ExpertLayers up_;
  std::optional<ExpertLayers> down_;  // of experts that are networks
  Gate gate_;
  Index bias_offset_ = -1;  // of a bias for all experts
  ColumnPlace up_saved_, activated_, slope_, down_saved_;
};

}  // namespace einsearch
