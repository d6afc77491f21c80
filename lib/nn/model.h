// What the training loop needs of a model, whatever its task.
#pragma once

#include <span>
#include <vector>

#include "compute/block.h"
#include "nn/weights.h"

namespace einsearch {

/// Examples as a model sees them: inputs (features, N) and targets (outputs, N).
template <typename Scalar>
struct ExampleBlock {
  BlockView<const Scalar> inputs;
  BlockView<const Scalar> targets;

  /// Examples first ... first + count - 1.
  ExampleBlock samples(Index first, Index count) const {
    return {{inputs.data + first, inputs.features, count, inputs.stride},
            {targets.data + first, targets.features, count, targets.stride}};
  }
};

/// How a batch may be cut into the chunks whose gradients are summed by themselves.
struct ChunkRule {
  Index smallest = 128;       ///< examples that a chunk is worth making for
  Index unit = kSampleLanes;  ///< chunks but the last are multiples of it
};

/// The gates of a model's mixtures of experts; no gates: the model has none.
struct ExpertCounts {
  Index gates = 0;
  Index experts = 0;  ///< of each gate
  Index active = 0;   ///< of them, per token

  Index size() const { return gates * experts; }
};

/// What a forward pass of one example costs and by which parts: FLOPs, 2 per multiply-accumulate,
/// where layer norm counts 10 per element and attention the full square by convention.
struct ModelCost {
  double flops_linear = 0;     ///< linear layers, all but the head
  double flops_attention = 0;  ///< scores, and sums of values
  double flops_head = 0;       ///< the last linear layer: outputs or logits
  double flops_other = 0;      ///< layer norms
  Count params_linear = 0;     ///< weights, without biases, of the layers of flops_linear

  double flops() const { return flops_linear + flops_attention + flops_head + flops_other; }
};

/// A model holds no numbers: values, gradients and workspace are arrays that the caller owns, so
/// that any number of threads can work on different blocks of samples.
template <typename Scalar>
class Model {
 public:
  virtual ~Model() = default;

  virtual const ParameterLayout& parameters() const = 0;

  /// Features of an example: rows of its inputs.
  virtual Index inputs() const = 0;

  /// Tokens that an example's loss is the mean over: 1, or the length of a sequence.
  virtual Index tokens_per_example() const { return 1; }

  virtual ModelCost cost() const = 0;

  double flops_per_example() const { return cost().flops(); }

  /// Scalars of workspace for a block of examples.
  virtual Index workspace_size(Index samples) const = 0;

  /// Examples that walk through the network together, so that their activations stay in cache.
  /// Depends on the model alone, as it is part of the order of sums over samples.
  virtual Index block_samples() const = 0;

  virtual ChunkRule chunk_rule() const { return {}; }

  /// Sum of the examples' losses; gradient += scale * the derivative of that sum. With mixtures of
  /// experts the derivative, and not the sum, includes the auxiliary loss: for each example 0.01 x
  /// the mean over gates of Gate::auxiliary_loss over this block of examples.
  virtual double loss_and_gradient(const Weights<Scalar>& weights,
                                   const ExampleBlock<Scalar>& examples,
                                   double scale,
                                   Scalar* workspace,
                                   Scalar* gradient) const = 0;

  /// The loss of each example.
  virtual void losses(const Weights<Scalar>& weights,
                      const ExampleBlock<Scalar>& examples,
                      Scalar* workspace,
                      std::span<double> each) const = 0;

  virtual ExpertCounts experts() const { return {}; }

  /// After losses() of so many examples in this workspace: tokens[gate * experts + e] is the number
  /// of tokens that expert e worked on.
  virtual void count_expert_tokens(const Scalar* /*workspace*/,
                                   Index /*examples*/,
                                   std::span<Count> /*tokens*/) const {}

  /// Root mean square of the residual stream after each of its blocks, over features and examples.
  /// Independent of the width where initialisation and learning rates are as they should be.
  virtual std::vector<double> block_rms(const Weights<Scalar>& weights,
                                        const ExampleBlock<Scalar>& examples,
                                        Scalar* workspace) const = 0;
};

}  // namespace einsearch
