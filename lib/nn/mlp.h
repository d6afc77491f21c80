// The residual MLP of the regression task.
//
//   x -> GELU(W_in x + b) -> LayerNorm -> depth times { r + W_down GELU(W_up LayerNorm(r)) } ->
//   W_out r + b
//
// W_up: w -> 4w, W_down: 4w -> w, biases everywhere, exact GELU. W_down and W_out start at zero.
// FLOPs per example, forward: 2 (d_in w + 5w + depth (5w + macs(w, 4w) + macs(4w, w)) + w d_out)
// with dense first and last layers.
#pragma once

#include "nn/linear.h"
#include "nn/model.h"
#include "nn/model_options.h"
#include "nn/regression_loss.h"
#include "nn/workspace.h"

namespace einsearch {

struct MlpOptions : ModelOptions {
  Index inputs = 8;
  Index outputs = 1;
  Index base_width = 64;  ///< width at which all muP multipliers are 1
  RegressionLoss loss = RegressionLoss::mse;

  static constexpr Index kExpansion = 4;
};

template <typename Scalar>
class Mlp final : public Model<Scalar> {
 public:
  /// Throws Error, naming the layer, where the structure does not fit.
  explicit Mlp(const MlpOptions& options);

  const ParameterLayout& parameters() const override { return layout_; }
  Index inputs() const override { return options_.inputs; }
  ModelCost cost() const override;
  Index workspace_size(Index samples) const override { return rows_.size(samples); }
  Index block_samples() const override;

  double loss_and_gradient(const Weights<Scalar>& weights,
                           const ExampleBlock<Scalar>& examples,
                           double scale,
                           Scalar* workspace,
                           Scalar* gradient) const override;
  void losses(const Weights<Scalar>& weights,
              const ExampleBlock<Scalar>& examples,
              Scalar* workspace,
              std::span<double> each) const override;
  std::vector<double> block_rms(const Weights<Scalar>& weights,
                                const ExampleBlock<Scalar>& examples,
                                Scalar* workspace) const override;

  /// Outputs (outputs, N) for inputs (inputs, N); a view into the workspace. With `rms`, appends to
  /// it what block_rms() gives.
  BlockView<Scalar> predict(const Weights<Scalar>& weights,
                            BlockView<const Scalar> inputs,
                            Scalar* workspace,
                            std::vector<double>* rms = nullptr) const;

 private:
  struct Norm {
    Index gain = 0, bias = 0;                     // offsets of parameters
    Index normalised = 0, inverse_deviation = 0;  // rows of the workspace
  };
  struct Block {
    Norm norm;
    Linear up, down;
    Index normed = 0, up_saved = 0, activated = 0, slope = 0,
          down_saved = 0;  // rows of the workspace
  };

  Linear make_linear(
      const std::string& name, Index d_in, Index d_out, LayerRole role, LinearOptions linear);
  Norm make_norm(const std::string& name, Index features);

  MlpOptions options_;
  ParameterLayout layout_;
  RowCounter rows_;
  Linear input_;
  Norm input_norm_;
  std::vector<Block> blocks_;
  Linear output_;
  Index input_saved_ = 0, input_slope_ = 0, residual_ = 0, output_saved_ = 0, prediction_ = 0;
  Index wide_ = 0, narrow_ = 0, error_ = 0, scratch_ = 0;
};

}  // namespace einsearch
