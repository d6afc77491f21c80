// The numbers that change during training, and one update of them.
#pragma once

#include <vector>

#include "compute/parallel.h"
#include "nn/model.h"
#include "train/optimizer.h"

namespace einsearch {

struct UpdateResult {
  double loss = 0;           ///< mean over the batch, before the update
  double gradient_norm = 0;  ///< before clipping
};

/// What updates change: all there is to a state.
template <typename Scalar>
struct StateNumbers {
  std::vector<Scalar> values, first_moment, second_moment;  ///< second_moment: adamw only
};

/// Values and moments of a model in training.
///
/// Order of sums: a batch is cut into chunks (at most 8, their number depends on the batch alone);
/// each chunk adds up its blocks of samples in order, and chunk sums are added in order. Norms are
/// summed in pieces of fixed size. The result is the same for any number of threads.
template <typename Scalar>
class TrainingState {
 public:
  /// `model` must outlive this. Memory: values, packed weights in two orders, two moments, a
  /// gradient and a block's activations per thread, and the sum of the gradients.
  TrainingState(const Model<Scalar>& model,
                AlignedBuffer<Scalar> values,
                const OptimizerOptions& options,
                const Threads& threads);

  /// One update with learning rate `rate` (before multipliers).
  UpdateResult update(const ExampleBlock<Scalar>& batch, double rate);

  /// The gradient of the mean loss of `batch` by the parameters; nothing is changed but the
  /// buffers.
  UpdateResult compute_gradient(const ExampleBlock<Scalar>& batch);

  /// The loss of each example, one after another in `each`.
  void evaluate(const ExampleBlock<Scalar>& examples, std::span<double> each);

  /// Tokens that each expert worked on in the last evaluate(), see Model::count_expert_tokens.
  std::span<const Count> expert_tokens() const { return expert_tokens_; }

  /// Model::block_rms() of `examples`, which must not be more than the model's block of samples.
  std::vector<double> block_rms(const ExampleBlock<Scalar>& examples);

  StateNumbers<Scalar> numbers() const;

  /// Goes on from `numbers` of the same model and optimizer, after `updates` updates.
  void restore(const StateNumbers<Scalar>& numbers, Count updates);

  const AlignedBuffer<Scalar>& values() const { return values_; }
  const AlignedBuffer<Scalar>& gradient() const { return gradient_; }

 private:
  /// A part of one tensor that a thread updates at a time.
  struct Piece {
    std::size_t tensor;
    Index offset, size;
  };

  /// One update of a part of a tensor.
  void update_piece(const Piece& piece, double rate, double gradient_scale);
  /// Calls body(tensor) for all tensors, on all threads.
  template <typename Body>
  void for_each_tensor(const Body& body) const;
  /// The values, with weight normalisation applied.
  const Scalar* effective_values();
  /// What the model computes with until the next update; packed if `samples` examples are worth it.
  Weights<Scalar> weights_for(Index samples);
  double sum_of_squared_gradients();

  const Model<Scalar>& model_;
  OptimizerOptions options_;
  Threads threads_;
  AlignedBuffer<Scalar> values_, first_moment_, second_moment_;
  AlignedBuffer<Scalar> effective_;  // with weight normalisation only
  PackedWeights<Scalar> packed_;
  AlignedBuffer<Scalar> gradient_;                 // the sum over chunks
  std::vector<AlignedBuffer<Scalar>> gradients_;   // of chunks but the first, see OrderedSum
  std::vector<AlignedBuffer<Scalar>> workspaces_;  // one per thread
  std::vector<Piece> pieces_;
  std::vector<double> piece_sums_;
  std::vector<Count> expert_tokens_;
  Count steps_ = 0;
};

}  // namespace einsearch
