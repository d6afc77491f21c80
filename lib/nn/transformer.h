// The transformer of the sequence tasks (GPT-2 style, pre-norm), over token sequences of length T.
//
//   r = embedding[token] + positions[t]
//   depth times { r += s W_o attention(norm(W_q n), norm(W_k n), W_v n) with n = LayerNorm(r);
//                 r += s W_down GELU(W_up LayerNorm(r)) }
//   logits = W_head LayerNorm(r),   loss = mean over tokens of the cross-entropy, nats
//
// Queries and keys are layer-normed per head, attention is causal with scores scaled by 8 / head
// size. W_o, W_down and W_head start at zero, so an untrained model's loss is ln V.
//
// With mixtures of experts (nn/mixture.h) a layer, or the whole feed-forward network, is a mixture;
// positions that only fill up a sequence choose no expert.
//
// An example is one sequence: inputs (T, S) and targets (T, S) hold tokens. A block of activations
// holds whole sequences: sample s P + t is position t of sequence s, P being T padded to whole
// registers. With starts_with_vector, the input at t is token t - 1, and at 0 a learned vector that
// lies behind the embeddings as if it were token V.
//
// FLOPs per sequence, forward, for M counted positions and multiply-accumulates c of linear layers:
// M (depth (2 (4 c(d, d) + c(d, 4d) + c(4d, d)) + 4 M d + 40 d) + 10 d + 2 V d).
#pragma once

#include <vector>

#include "nn/attention.h"
#include "nn/layer.h"
#include "nn/model.h"
#include "nn/transformer_options.h"
#include "nn/workspace.h"

namespace einsearch {

template <typename Scalar>
class Transformer final : public Model<Scalar> {
 public:
  /// Throws Error, naming the layer, where the structure does not fit.
  explicit Transformer(const TransformerOptions& options);

  const ParameterLayout& parameters() const override { return layout_; }
  Index inputs() const override { return options_.context; }
  ModelCost cost() const override;
  Index tokens_per_example() const override { return options_.context; }
  Index workspace_size(Index sequences) const override;
  Index block_samples() const override;
  ChunkRule chunk_rule() const override { return {block_samples(), block_samples()}; }

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

  /// Logits (V, S P); a view into the workspace.
  BlockView<Scalar> predict(const Weights<Scalar>& weights,
                            const ExampleBlock<Scalar>& examples,
                            Scalar* workspace) const;

  /// Mean of the gates' auxiliary losses over these examples; 0 without mixtures.
  double auxiliary_loss(const Weights<Scalar>& weights,
                        const ExampleBlock<Scalar>& examples,
                        Scalar* workspace) const;

  ExpertCounts experts() const override { return experts_; }
  void count_expert_tokens(const Scalar* workspace,
                           Index examples,
                           std::span<Count> tokens) const override;

  Index padded_context() const { return padded_samples(options_.context); }

 private:
  struct Norm {
    Index features = 0, groups = 1;               // groups of features are normalised by themselves
    Index gain = 0, bias = -1;                    // offsets of parameters; -1: no bias
    Index normalised = 0, inverse_deviation = 0;  // rows of the workspace
  };
  struct Block {
    Norm attention_norm, query_norm, key_norm;
    Layer query, key, value, output;
    Norm ffn_norm;
    std::vector<Layer> ffn;  // up and down, or one mixture of both
    Index normed = 0, queries = 0, keys = 0, values = 0, shares = 0, attended = 0;  // rows
    Index ffn_normed = 0, activated = 0, slope = 0;
  };
  class Pass;

  Layer make_layer(
      const std::string& name, Index d_in, Index d_out, LayerRole role, LinearOptions linear);
  std::vector<Layer> make_feed_forward(const std::string& name);
  Norm make_norm(const std::string& name, Index features, Index groups);
  Block make_block(const std::string& name);
  void take_block_rows(Block& block);
  std::vector<const Layer*> layers() const;
  std::vector<const Gate*> gates() const;

  TransformerOptions options_;
  ParameterLayout layout_;
  RowCounter rows_;
  Index embedding_ = 0, start_ = 0, positions_ = 0;  // offsets of parameters
  std::vector<Block> blocks_;
  Norm norm_;
  Layer head_;
  ExpertCounts experts_;
  Index token_ = 0, target_ = 0, loss_ = 0;  // rows of the workspace
  Index residual_ = 0, normed_ = 0, logits_ = 0;
  Index scratch_ = 0, scratch_size_ = 0, wide_ = 0, branch_ = 0, gradient_ = 0;
  ColumnPlace scratch_columns_;
  AlignedBuffer<Scalar> no_bias_;  // zeros, for layer norms without bias
};

}  // namespace einsearch
