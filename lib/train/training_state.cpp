#include "train/training_state.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compute/elementwise.h"
#include "train/ordered_sum.h"

namespace einsearch {
namespace {

constexpr Index kPieceSize = 1 << 15;
constexpr Index kColumnsThatPayForPacking = 48;  // examples, or tokens of sequences

struct Chunks {
  Index count;
  Index samples;  // of each but the last
};

Chunks chunks_of(Index batch, const ChunkRule& rule) {
  const Index wanted = std::clamp(batch / rule.smallest, Index{1}, kMaxChunks);
  const Index units = (batch + wanted * rule.unit - 1) / (wanted * rule.unit);
  const Index samples = units * rule.unit;
  return {(batch + samples - 1) / samples, samples};
}

}  // namespace

template <typename Scalar>
TrainingState<Scalar>::TrainingState(const Model<Scalar>& model,
                                     AlignedBuffer<Scalar> values,
                                     const OptimizerOptions& options,
                                     const Threads& threads)
    : model_(model),
      options_(options),
      threads_(threads),
      values_(std::move(values)),
      first_moment_(values_.size()),
      second_moment_(options.kind == OptimizerKind::adamw ? values_.size() : 0),
      gradient_(values_.size()) {
  const std::vector<ParameterInfo>& tensors = model.parameters().tensors();
  if (has_weight_norm(model.parameters())) effective_ = AlignedBuffer<Scalar>(values_.size());
  for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
    const Index end = tensors[tensor].offset + tensors[tensor].size;
    for (Index offset = tensors[tensor].offset; offset < end; offset += kPieceSize)
      pieces_.push_back({tensor, offset, std::min(kPieceSize, end - offset)});
  }
  piece_sums_.resize(pieces_.size());
}

template <typename Scalar>
template <typename Body>
void TrainingState<Scalar>::for_each_tensor(const Body& body) const {
  const std::vector<ParameterInfo>& tensors = model_.parameters().tensors();
  threads_.for_each(static_cast<Index>(tensors.size()),
                    [&](Index i) { body(tensors[static_cast<std::size_t>(i)]); });
}

template <typename Scalar>
const Scalar* TrainingState<Scalar>::effective_values() {
  if (effective_.size() == 0) return values_.data();
  for_each_tensor([&](const ParameterInfo& tensor) {
    normalise_weights(tensor, values_.data(), effective_.data());
  });
  return effective_.data();
}

template <typename Scalar>
Weights<Scalar> TrainingState<Scalar>::weights_for(Index samples) {
  const Scalar* values = effective_values();
  if (samples * model_.tokens_per_example() < kColumnsThatPayForPacking) return values;
  return packed_.pack(model_.parameters(), values, threads_);
}

template <typename Scalar>
double TrainingState<Scalar>::sum_of_squared_gradients() {
  threads_.for_each(static_cast<Index>(pieces_.size()), [&](Index i) {
    const auto slot = static_cast<std::size_t>(i);
    const Scalar* part = gradient_.data() + pieces_[slot].offset;
    piece_sums_[slot] = elementwise<Scalar>().sum_of_squares(part, pieces_[slot].size);
  });
  double sum = 0;
  for (const double part : piece_sums_) sum += part;
  return sum;
}

template <typename Scalar>
UpdateResult TrainingState<Scalar>::compute_gradient(const ExampleBlock<Scalar>& batch) {
  const Index samples = batch.inputs.samples, block = model_.block_samples();
  const auto [n_chunks, chunk_samples] = chunks_of(samples, model_.chunk_rule());
  const Index workers = std::min<Index>(threads_.count(), n_chunks);
  while (static_cast<Index>(gradients_.size()) < std::min(workers, n_chunks - 1))
    gradients_.emplace_back(values_.size());
  while (static_cast<Index>(workspaces_.size()) < workers)
    workspaces_.emplace_back(model_.workspace_size(block));
  const Weights<Scalar> weights = weights_for(samples);
  const double scale = 1 / static_cast<double>(samples);
  std::array<double, kMaxChunks> losses{};

  OrderedSum<Scalar> sum(gradient_, gradients_, static_cast<std::size_t>(n_chunks));
  threads_.for_each(workers, [&](Index worker) {
    Scalar* workspace = workspaces_[static_cast<std::size_t>(worker)].data();
    while (const auto chunk = sum.take()) {
      std::fill_n(chunk->gradient, values_.size(), Scalar{0});
      double& loss = losses[static_cast<std::size_t>(chunk->number)];
      const Index end = std::min((chunk->number + 1) * chunk_samples, samples);
      for (Index first = chunk->number * chunk_samples; first < end; first += block) {
        const ExampleBlock<Scalar> part = batch.samples(first, std::min(block, end - first));
        loss += model_.loss_and_gradient(weights, part, scale, workspace, chunk->gradient);
      }
      sum.finish(*chunk);
    }
  });

  UpdateResult result;
  for (const double loss : losses) result.loss += loss * scale;
  if (effective_.size() > 0) {
    for_each_tensor([&](const ParameterInfo& tensor) {
      normalise_weights_backward(tensor, values_.data(), gradient_.data());
    });
  }
  result.gradient_norm = std::sqrt(sum_of_squared_gradients());
  return result;
}

template <typename Scalar>
UpdateResult TrainingState<Scalar>::update(const ExampleBlock<Scalar>& batch, double rate) {
  const DenormalsAreZero mode;
  const UpdateResult result = compute_gradient(batch);
  ++steps_;
  const double clip_scale =
      options_.clip > 0 ? std::min(1.0, options_.clip / (result.gradient_norm + 1e-6)) : 1.0;
  threads_.for_each(static_cast<Index>(pieces_.size()), [&](Index i) {
    update_piece(pieces_[static_cast<std::size_t>(i)], rate, clip_scale);
  });
  return result;
}

template <typename Scalar>
void TrainingState<Scalar>::update_piece(const Piece& piece, double rate, double gradient_scale) {
  const ParameterInfo& tensor = model_.parameters().tensors()[piece.tensor];
  const double own_rate = rate * rate_multiplier(options_, tensor);
  const double decay = tensor.decays ? options_.weight_decay : 0;
  Scalar* values = values_.data() + piece.offset;
  const Scalar* gradient = gradient_.data() + piece.offset;
  Scalar* moment = first_moment_.data() + piece.offset;
  if (options_.kind == OptimizerKind::adamw) {
    const AdamWStep step{.rate = own_rate,
                         .decay = decay,
                         .beta1 = options_.beta1,
                         .beta2 = options_.beta2,
                         .epsilon = options_.epsilon,
                         .step = steps_,
                         .gradient_scale = gradient_scale};
    elementwise<Scalar>().adamw(
        step, piece.size, values, gradient, moment, second_moment_.data() + piece.offset);
    return;
  }
  const MomentumStep step{.rate = own_rate,
                          .decay = decay,
                          .beta1 = options_.beta1,
                          .beta2 = options_.beta2,
                          .gradient_scale = gradient_scale};
  const auto pass =
      options_.kind == OptimizerKind::sgd ? elementwise<Scalar>().sgd : elementwise<Scalar>().lion;
  pass(step, piece.size, values, gradient, moment);
}

template <typename Scalar>
StateNumbers<Scalar> TrainingState<Scalar>::numbers() const {
  const auto copy = [](const AlignedBuffer<Scalar>& from) {
    return std::vector<Scalar>(from.span().begin(), from.span().end());
  };
  return {copy(values_), copy(first_moment_), copy(second_moment_)};
}

template <typename Scalar>
void TrainingState<Scalar>::restore(const StateNumbers<Scalar>& numbers, Count updates) {
  const auto copy = [](const std::vector<Scalar>& from, AlignedBuffer<Scalar>& to) {
    assert(static_cast<Index>(from.size()) == to.size());
    std::copy(from.begin(), from.end(), to.data());
  };
  copy(numbers.values, values_);
  copy(numbers.first_moment, first_moment_);
  copy(numbers.second_moment, second_moment_);
  steps_ = updates;
}

template <typename Scalar>
void TrainingState<Scalar>::evaluate(const ExampleBlock<Scalar>& examples, std::span<double> each) {
  const Index block = model_.block_samples(), samples = examples.inputs.samples;
  const Weights<Scalar> weights = weights_for(samples);
  const Index slots = threads_.count(), blocks = (samples + block - 1) / block;
  while (static_cast<Index>(workspaces_.size()) < slots)
    workspaces_.emplace_back(model_.workspace_size(block));
  const Index experts = model_.experts().size();
  std::vector<Count> tokens(static_cast<std::size_t>(experts * slots));
  threads_.for_each(std::min(slots, blocks), [&](Index slot) {
    for (Index i = slot; i < blocks; i += slots) {
      const Index first = i * block, count = std::min(block, samples - first);
      model_.losses(weights,
                    examples.samples(first, count),
                    workspaces_[static_cast<std::size_t>(slot)].data(),
                    each.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
      model_.count_expert_tokens(workspaces_[static_cast<std::size_t>(slot)].data(),
                                 count,
                                 std::span(tokens).subspan(static_cast<std::size_t>(slot * experts),
                                                           static_cast<std::size_t>(experts)));
    }
  });
  expert_tokens_.assign(static_cast<std::size_t>(experts), 0);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    expert_tokens_[i % static_cast<std::size_t>(experts)] += tokens[i];
}

template <typename Scalar>
std::vector<double> TrainingState<Scalar>::block_rms(const ExampleBlock<Scalar>& examples) {
  const DenormalsAreZero mode;
  if (workspaces_.empty()) workspaces_.emplace_back(model_.workspace_size(model_.block_samples()));
  return model_.block_rms(effective_values(), examples, workspaces_.front().data());
}

template class TrainingState<float>;
template class TrainingState<double>;

}  // namespace einsearch
