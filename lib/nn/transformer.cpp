#include "nn/transformer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "compute/elementwise.h"
#include "compute/sequence_kernels.h"
#include "structure/notation.h"

namespace einsearch {
namespace {

constexpr double kAttentionScale = 8;  // scores are scaled by it / head size
constexpr double kEmbeddingDeviation = 0.02;
constexpr Index kBlockTokens = 128;       // at most, or one sequence, that walk through the network
constexpr Index kMixedBlockTokens = 256;  // together; of mixtures, whose experts share them
constexpr double kAuxiliaryShare = 0.01;  // of the gates' auxiliary loss in the training loss

/// The gates of the reference: those between factors start at zero and never give a chosen expert
/// the weight 0; those of whole networks start at random.
GateOptions gate_options(const MixtureOptions& mixture, Index base_in) {
  constexpr double kFloor = 1e-6;
  return {.experts = mixture.experts,
          .active = mixture.active,
          .floor = mixture.kind == MixtureKind::ranks ? kFloor : 0,
          .has_zero_init = mixture.kind != MixtureKind::networks,
          .base_in = base_in};
}

/// A role with a structure of its own is no mixture.
bool is_assigned(const TransformerOptions& options, LayerRole role) {
  return std::any_of(options.assigned.begin(), options.assigned.end(), [role](const auto& each) {
    return each.role == role;
  });
}

/// Of muP: an embedding's outputs grow with the width, its inputs do not.
double embedding_rate_sgd(const TransformerOptions& options) {
  return static_cast<double>(options.width) / static_cast<double>(options.base_width);
}

TransformerOptions with_roles_checked(const TransformerOptions& options) {
  if (!options.assigned.empty() && options.assigned.front().role == LayerRole::input)
    throw Error("a transformer has no input layer",
                {.where = "assignment of structures", .expected = "another role", .got = "in"});
  return options;
}

}  // namespace

template <typename Scalar>
Layer Transformer<Scalar>::make_layer(
    const std::string& name, Index d_in, Index d_out, LayerRole role, LinearOptions linear) {
  const std::optional<Structure> own = layer_structure(options_, role);
  const bool is_mixed = options_.mixture && own && !is_assigned(options_, role);
  linear.has_weight_norm = options_.has_weight_norm && own.has_value();
  linear.has_gain = linear.has_weight_norm && options_.has_gains && role != LayerRole::query &&
                    role != LayerRole::key;
  linear.has_default_init = role == LayerRole::head && !own.has_value();
  try {
    const Structure structure = own.value_or(parse_structure("dense"));
    const std::optional<HeadAlignment> heads = head_alignment(options_, role);
    const bool is_over_ranks = is_mixed && options_.mixture->kind == MixtureKind::ranks;
    const LayerShape shape =
        heads && !structure.is_dense
            ? resolve_for_heads(structure, d_in, d_out, *heads, options_.resolve)
        : is_over_ranks ? rank_expert_shape(structure, d_in, d_out, options_.resolve)
                        : resolve(structure, d_in, d_out, options_.resolve);
    if (!is_mixed || options_.mixture->kind == MixtureKind::networks)
      return Linear(layout_, name, shape, linear);
    const GateOptions gate = gate_options(*options_.mixture, linear.base_in);
    return is_over_ranks ? Mixture::of_ranks(layout_, name, {shape, linear}, gate)
                         : Mixture::of_layers(layout_, name, {shape, linear}, gate);
  } catch (const Error& error) {
    throw Error(fmt::format("layer {} ({} -> {}): {}", name, d_in, d_out, error.what()));
  }
}

template <typename Scalar>
std::vector<Layer> Transformer<Scalar>::make_feed_forward(const std::string& name) {
  const Index width = options_.width, wide = TransformerOptions::kExpansion * width;
  const LinearOptions up{.has_bias = options_.has_biases,
                         .base_in = options_.base_width,
                         .base_out = options_.base_wide};
  const LinearOptions down{.has_bias = options_.has_biases,
                           .is_zero_initialised = true,
                           .base_in = options_.base_wide,
                           .base_out = options_.base_width};
  std::vector<Layer> layers;
  const std::optional<MixtureOptions>& mixture = options_.mixture;
  if (!mixture || mixture->kind != MixtureKind::networks) {
    layers.push_back(make_layer(name + ".up", width, wide, LayerRole::up, up));
    layers.push_back(make_layer(name + ".down", wide, width, LayerRole::down, down));
    return layers;
  }
  const auto expert =
      [&](Index d_in, Index d_out, LayerRole role, LinearOptions linear) -> ExpertLayer {
    const std::optional<Structure> own = layer_structure(options_, role);
    linear.has_weight_norm = options_.has_weight_norm && own.has_value();
    linear.has_gain = linear.has_weight_norm && options_.has_gains;
    const Structure structure = own.value_or(parse_structure("dense"));
    return {resolve(structure, d_in, d_out, options_.resolve), linear};
  };
  try {
    layers.push_back(Mixture::of_networks(layout_,
                                          name + ".ffn",
                                          expert(width, wide, LayerRole::up, up),
                                          expert(wide, width, LayerRole::down, down),
                                          gate_options(*mixture, options_.base_width)));
  } catch (const Error& error) {
    throw Error(
        fmt::format("layers {}.ffn ({} -> {} -> {}): {}", name, width, wide, width, error.what()));
  }
  return layers;
}

template <typename Scalar>
typename Transformer<Scalar>::Norm Transformer<Scalar>::make_norm(const std::string& name,
                                                                  Index features,
                                                                  Index groups) {
  Norm norm{.features = features, .groups = groups};
  const Index size = features / groups;
  norm.gain = layout_.add({.name = name + ".weight", .shape = {size}, .init = Init::ones});
  if (options_.has_biases) norm.bias = layout_.add({.name = name + ".bias", .shape = {size}});
  norm.normalised = rows_.take(features);
  norm.inverse_deviation = rows_.take(groups);
  return norm;
}

template <typename Scalar>
typename Transformer<Scalar>::Block Transformer<Scalar>::make_block(const std::string& name) {
  const Index width = options_.width, heads = options_.heads;
  const LinearOptions narrow{
      .has_bias = false, .base_in = options_.base_width, .base_out = options_.base_width};
  LinearOptions query = narrow, output = narrow;
  query.is_zero_initialised = options_.has_zero_queries;
  output.is_zero_initialised = true;
  output.has_bias = options_.has_biases;
  return {
      .attention_norm = make_norm(name + ".attention_norm", width, 1),
      .query_norm = make_norm(name + ".query_norm", width, heads),
      .key_norm = make_norm(name + ".key_norm", width, heads),
      .query = make_layer(name + ".query", width, width, LayerRole::query, query),
      .key = make_layer(name + ".key", width, width, LayerRole::key, narrow),
      .value = make_layer(name + ".value", width, width, LayerRole::value, narrow),
      .output = make_layer(name + ".output", width, width, LayerRole::output, output),
      .ffn_norm = make_norm(name + ".ffn_norm", width, 1),
      .ffn = make_feed_forward(name),
  };
}

template <typename Scalar>
void Transformer<Scalar>::take_block_rows(Block& block) {
  const Index width = options_.width, wide = TransformerOptions::kExpansion * width;
  for (Layer* layer : {&block.query, &block.key, &block.value, &block.output})
    layer->take_rows(rows_);
  for (Layer& layer : block.ffn) layer.take_rows(rows_);
  for (Index* rows : {&block.normed,
                      &block.queries,
                      &block.keys,
                      &block.values,
                      &block.attended,
                      &block.ffn_normed})
    *rows = rows_.take(width);
  block.shares = rows_.take(options_.heads * padded_context());
  if (block.ffn.size() == 1) return;  // a mixture keeps both by itself
  block.activated = rows_.take(wide);
  block.slope = rows_.take(wide);
}

template <typename Scalar>
std::vector<const Layer*> Transformer<Scalar>::layers() const {
  std::vector<const Layer*> all;
  for (const Block& block : blocks_) {
    for (const Layer* layer : {&block.query, &block.key, &block.value, &block.output})
      all.push_back(layer);
    for (const Layer& layer : block.ffn) all.push_back(&layer);
  }
  all.push_back(&head_);
  return all;
}

template <typename Scalar>
std::vector<const Gate*> Transformer<Scalar>::gates() const {
  std::vector<const Gate*> all;
  for (const Layer* layer : layers())
    if (layer->mixture() != nullptr) all.push_back(&layer->mixture()->gate());
  return all;
}

template <typename Scalar>
Transformer<Scalar>::Transformer(const TransformerOptions& options)
    : options_(with_roles_checked(options)),
      embedding_(layout_.add({.name = "embedding.weight",
                              .shape = {options.vocabulary, options.width},
                              .init = Init::normal,
                              .init_std = kEmbeddingDeviation,
                              .lr_multiplier_sgd = embedding_rate_sgd(options),
                              .decays = true})),
      blocks_([&] {
        if (options.starts_with_vector) {
          start_ = layout_.add({.name = "start",
                                .shape = {1, options.width},
                                .init = Init::normal,
                                .init_std = kEmbeddingDeviation,
                                .lr_multiplier_sgd = embedding_rate_sgd(options),
                                .decays = true});
        }
        positions_ = layout_.add({.name = "positions.weight",
                                  .shape = {options.positions, options.width},
                                  .init = Init::normal,
                                  .init_std = kEmbeddingDeviation,
                                  .lr_multiplier_sgd = embedding_rate_sgd(options),
                                  .decays = true});
        std::vector<Block> blocks;
        for (Index i = 0; i < options.depth; ++i)
          blocks.push_back(make_block(fmt::format("blocks.{}", i)));
        return blocks;
      }()),
      norm_(make_norm("norm", options.width, 1)),
      head_(make_layer("head",
                       options.width,
                       options.vocabulary,
                       LayerRole::head,
                       {.has_bias = options.has_biases,
                        .is_zero_initialised = true,
                        .base_in = options.base_width})),
      no_bias_(options.width) {
  const Index width = options.width, wide = TransformerOptions::kExpansion * width;
  token_ = rows_.take(1);
  target_ = rows_.take(1);
  loss_ = rows_.take(1);
  // Attention needs context x 32 numbers, gradients by biases that are not there `width` numbers.
  Index scratch = std::max(padded_context(), width / kSampleLanes + 1);
  for (Block& block : blocks_) take_block_rows(block);
  head_.take_rows(rows_);
  ColumnPlace columns;
  for (const Layer* layer : layers()) {
    const ColumnPlace own = layer->scratch_columns();
    scratch = std::max(scratch, layer->scratch_features());
    columns = {std::max(columns.rows, own.rows), std::max(columns.more, own.more)};
  }
  residual_ = rows_.take(width);
  normed_ = rows_.take(width);
  logits_ = rows_.take(options.vocabulary);
  wide_ = rows_.take(wide);
  branch_ = rows_.take(width);
  gradient_ = rows_.take(width);
  const std::vector<const Gate*> all = gates();
  if (!all.empty())
    experts_ = {static_cast<Index>(all.size()), all[0]->experts(), all[0]->active()};
  scratch_size_ = scratch;
  scratch_ = rows_.take(scratch);
  scratch_columns_ = rows_.take_columns(columns);
}

template <typename Scalar>
ModelCost Transformer<Scalar>::cost() const {
  const auto width = static_cast<double>(options_.width);
  const auto counted = static_cast<double>(options_.counted_tokens);
  const double norm = 10 * width, blocks = static_cast<double>(blocks_.size());
  // Norms of the residual stream twice, of queries and of keys.
  ModelCost cost{.flops_attention = counted * blocks * 4 * counted * width,
                 .flops_head = counted * static_cast<double>(head_.flops()),
                 .flops_other = counted * (norm + blocks * 4 * norm)};
  for (const Layer* layer : layers()) {
    if (layer == &head_) continue;
    cost.flops_linear += counted * static_cast<double>(layer->flops());
    cost.params_linear += layer->weights();
  }
  return cost;
}

template <typename Scalar>
Index Transformer<Scalar>::block_samples() const {
  const Index tokens = options_.mixture ? kMixedBlockTokens : kBlockTokens;
  return std::max<Index>(1, tokens / padded_context());
}

template <typename Scalar>
Index Transformer<Scalar>::workspace_size(Index sequences) const {
  return rows_.size(sequences * padded_context());
}

/// One walk of a block of sequences through the network and back.
template <typename Scalar>
class Transformer<Scalar>::Pass {
 public:
  Pass(const Transformer& model, const Weights<Scalar>& weights, Index sequences, Scalar* workspace)
      : model_(model),
        weights_(weights),
        rows_(model.rows_.of(workspace, sequences * model.padded_context())),
        layers_{.weights = weights,
                .rows = rows_,
                .scratch = rows_(model.scratch_, model.scratch_size_),
                .scratch_columns = rows_.at(model.scratch_columns_),
                .token = rows_(model.target_, 1).data},
        attention_{.heads = model.options_.heads,
                   .head_size = model.options_.width / model.options_.heads,
                   .sequences = sequences,
                   .positions = model.padded_context()} {
    attention_.scale = kAttentionScale / static_cast<double>(attention_.head_size);
  }

  /// With `rms`, appends to it what block_rms() gives.
  BlockView<Scalar> predict(const ExampleBlock<Scalar>& examples,
                            std::vector<double>* rms = nullptr) {
    const TransformerOptions& o = model_.options_;
    lay_out_tokens(examples);
    const BlockView<Scalar> residual = narrow(model_.residual_), normed = narrow(model_.normed_);
    kernels_.embed(row(model_.token_),
                   weights_ + model_.embedding_,
                   weights_ + model_.positions_,
                   model_.padded_context(),
                   residual);
    for (const Block& block : model_.blocks_) {
      attend(block);
      feed_forward(block);
      if (rms != nullptr)
        rms->push_back(root_mean_square<Scalar>(
            residual, {o.context, model_.padded_context(), attention_.sequences}));
    }
    normalise(model_.norm_, residual, normed);
    const BlockView<Scalar> logits = rows_(model_.logits_, o.vocabulary);
    model_.head_.template forward<Scalar>(layers_, normed, logits);
    return logits;
  }

  /// Sum over sequences of their mean token losses, and its gradient times `scale`.
  double loss_and_gradient(const ExampleBlock<Scalar>& examples, double scale, Scalar* gradient) {
    gradient_ = layers_.gradient = gradient;
    layers_.auxiliary_scale = scale * static_cast<double>(attention_.sequences) * kAuxiliaryShare /
                              static_cast<double>(std::max<Index>(1, model_.experts_.gates));
    const BlockView<Scalar> logits = predict(examples);
    const auto tokens = static_cast<double>(model_.options_.context);
    kernels_.cross_entropy_gradient(
        static_cast<Scalar>(scale / tokens), row(model_.target_), logits, row(model_.loss_));
    // dresidual takes the place of the residual, whose last use is over.
    const BlockView<Scalar> residual = narrow(model_.residual_), dnormed = narrow(model_.gradient_);
    model_.head_.template backward<Scalar>(layers_, narrow(model_.normed_), logits, dnormed);
    normalise_backward(model_.norm_, dnormed, residual, Store::overwrite);
    for (auto block = model_.blocks_.rbegin(); block != model_.blocks_.rend(); ++block) {
      feed_forward_backward(*block);
      attend_backward(*block);
    }
    kernels_.embed_backward(row(model_.token_),
                            model_.padded_context(),
                            residual,
                            gradient_ + model_.embedding_,
                            gradient_ + model_.positions_);
    double sum = 0;
    for (Index s = 0; s < attention_.sequences; ++s) sum += sequence_loss(s);
    return sum;
  }

  double auxiliary_loss(const ExampleBlock<Scalar>& examples) {
    predict(examples);
    double sum = 0;
    const std::vector<const Gate*> gates = model_.gates();
    for (const Gate* gate : gates) sum += gate->auxiliary_loss(layers_.token, rows_);
    return gates.empty() ? 0 : sum / static_cast<double>(gates.size());
  }

  void losses(const ExampleBlock<Scalar>& examples, std::span<double> each) {
    kernels_.cross_entropy(predict(examples), row(model_.target_), row(model_.loss_));
    for (Index s = 0; s < attention_.sequences; ++s)
      each[static_cast<std::size_t>(s)] = sequence_loss(s);
  }

 private:
  Scalar* row(Index first) const { return rows_(first, 1).data; }
  BlockView<Scalar> narrow(Index first) const { return rows_(first, model_.options_.width); }
  BlockView<Scalar> wide(Index first) const {
    return rows_(first, TransformerOptions::kExpansion * model_.options_.width);
  }
  BlockView<Scalar> shares(const Block& block) const {
    return rows_(block.shares, attention_.score_features());
  }
  bool is_scaled() const { return model_.options_.branch_scale != 1; }

  /// Tokens of all sequences in one row, kNoToken where a sequence is padded.
  void lay_out_tokens(const ExampleBlock<Scalar>& examples) {
    const TransformerOptions& o = model_.options_;
    const Index positions = model_.padded_context();
    const auto none = static_cast<Scalar>(kNoToken), start = static_cast<Scalar>(o.vocabulary);
    Scalar *tokens = row(model_.token_), *targets = row(model_.target_);
    for (Index s = 0; s < attention_.sequences; ++s) {
      for (Index t = 0; t < positions; ++t) {
        const Index n = s * positions + t;
        const bool is_real = t < o.context;
        const Index source = o.starts_with_vector ? t - 1 : t;
        targets[n] = is_real ? examples.targets.row(t)[s] : none;
        tokens[n] = !is_real ? none : source < 0 ? start : examples.inputs.row(source)[s];
      }
    }
  }

  double sequence_loss(Index s) const {
    const Scalar* losses = row(model_.loss_) + s * model_.padded_context();
    double sum = 0;
    for (Index t = 0; t < model_.options_.context; ++t) sum += static_cast<double>(losses[t]);
    return sum / static_cast<double>(model_.options_.context);
  }

  void normalise(const Norm& norm, BlockView<Scalar> x, BlockView<Scalar> y) const {
    const Index size = norm.features / norm.groups;
    for (Index g = 0; g < norm.groups; ++g) {
      passes_.layer_norm(x.rows(g * size, size),
                         weights_ + norm.gain,
                         norm.bias >= 0 ? weights_ + norm.bias : model_.no_bias_.data(),
                         rows_(norm.normalised + g * size, size),
                         rows_(norm.inverse_deviation + g, 1),
                         y.rows(g * size, size));
    }
  }

  void normalise_backward(const Norm& norm,
                          BlockView<Scalar> dy,
                          BlockView<Scalar> dx,
                          Store store) const {
    const Index size = norm.features / norm.groups;
    Scalar* no_bias = row(model_.scratch_);
    for (Index g = 0; g < norm.groups; ++g) {
      passes_.layer_norm_backward(rows_(norm.normalised + g * size, size),
                                  rows_(norm.inverse_deviation + g, 1),
                                  weights_ + norm.gain,
                                  dy.rows(g * size, size),
                                  dx.rows(g * size, size),
                                  store,
                                  gradient_ + norm.gain,
                                  norm.bias >= 0 ? gradient_ + norm.bias : no_bias);
    }
  }

  void forward(const Layer& layer,
               BlockView<Scalar> x,
               BlockView<Scalar> y,
               BlockView<Scalar> slope = {},
               Store store = Store::overwrite) const {
    layer.forward<Scalar>(layers_, x, y, slope, store);
  }

  void backward(const Layer& layer,
                BlockView<Scalar> x,
                BlockView<Scalar> dy,
                BlockView<Scalar> dx,
                BlockView<Scalar> factor = {},
                Store store = Store::overwrite) const {
    layer.backward<Scalar>(layers_, x, dy, dx, factor, store);
  }

  /// residual += branch_scale * layer(x)
  void add_branch(const Layer& layer, BlockView<Scalar> x) const {
    const BlockView<Scalar> residual = narrow(model_.residual_), branch = narrow(model_.branch_);
    if (!is_scaled()) return forward(layer, x, residual, {}, Store::accumulate);
    forward(layer, x, branch);
    kernels_.add_scaled(static_cast<Scalar>(model_.options_.branch_scale), branch, residual);
  }

  /// branch_scale * dresidual
  BlockView<Scalar> branch_gradient() const {
    const BlockView<Scalar> residual = narrow(model_.residual_), branch = narrow(model_.branch_);
    if (!is_scaled()) return residual;
    kernels_.scale(static_cast<Scalar>(model_.options_.branch_scale), residual, branch);
    return branch;
  }

  void attend(const Block& block) const {
    const BlockView<Scalar> normed = narrow(block.normed), attended = narrow(block.attended);
    const BlockView<Scalar> q = narrow(block.queries), k = narrow(block.keys);
    const BlockView<Scalar> raw_q = narrow(block.query_norm.normalised);
    const BlockView<Scalar> raw_k = narrow(block.key_norm.normalised);
    normalise(block.attention_norm, narrow(model_.residual_), normed);
    forward(block.query, normed, raw_q);
    forward(block.key, normed, raw_k);
    forward(block.value, normed, narrow(block.values));
    normalise(block.query_norm, raw_q, q);
    normalise(block.key_norm, raw_k, k);
    attention_forward<Scalar>(attention_, q, k, narrow(block.values), shares(block), attended);
    add_branch(block.output, attended);
  }

  void attend_backward(const Block& block) const {
    const Index width = model_.options_.width;
    const BlockView<Scalar> normed = narrow(block.normed), dnormed = narrow(model_.gradient_);
    // dq, dk, dv and the gradient of what was attended to lie in the rows of the feed-forward
    // layers' gradient, which is not needed now.
    const BlockView<Scalar> all = wide(model_.wide_);
    const BlockView<Scalar> dq = all.rows(0, width), dk = all.rows(width, width),
                            dv = all.rows(2 * width, width), dattended = all.rows(3 * width, width);
    backward(block.output, narrow(block.attended), branch_gradient(), dattended);
    attention_backward<Scalar>(attention_,
                               narrow(block.queries),
                               narrow(block.keys),
                               narrow(block.values),
                               shares(block),
                               dattended,
                               dq,
                               dk,
                               dv,
                               row(model_.scratch_));
    normalise_backward(block.query_norm, dq, dq, Store::overwrite);
    normalise_backward(block.key_norm, dk, dk, Store::overwrite);
    backward(block.query, normed, dq, dnormed);
    backward(block.key, normed, dk, dnormed, {}, Store::accumulate);
    backward(block.value, normed, dv, dnormed, {}, Store::accumulate);
    normalise_backward(block.attention_norm, dnormed, narrow(model_.residual_), Store::accumulate);
  }

  void feed_forward(const Block& block) const {
    const BlockView<Scalar> normed = narrow(block.ffn_normed);
    normalise(block.ffn_norm, narrow(model_.residual_), normed);
    if (block.ffn.size() == 1) return add_branch(block.ffn[0], normed);
    const BlockView<Scalar> activated = wide(block.activated);
    forward(block.ffn[0], normed, activated, wide(block.slope));
    add_branch(block.ffn[1], activated);
  }

  void feed_forward_backward(const Block& block) const {
    const BlockView<Scalar> normed = narrow(block.ffn_normed), dnormed = narrow(model_.gradient_);
    if (block.ffn.size() == 1) {
      backward(block.ffn[0], normed, branch_gradient(), dnormed);
    } else {
      const BlockView<Scalar> dwide = wide(model_.wide_);
      const BlockView<Scalar> activated = wide(block.activated);
      backward(block.ffn[1], activated, branch_gradient(), dwide, wide(block.slope));
      backward(block.ffn[0], normed, dwide, dnormed);
    }
    normalise_backward(block.ffn_norm, dnormed, narrow(model_.residual_), Store::accumulate);
  }

  const Transformer& model_;
  Weights<Scalar> weights_;
  Rows<Scalar> rows_;
  LayerPass<Scalar> layers_;
  AttentionShape attention_;
  Scalar* gradient_ = nullptr;
  const ElementwiseKernels<Scalar>& passes_ = elementwise<Scalar>();
  const SequenceKernels<Scalar>& kernels_ = sequence_kernels<Scalar>();
};

template <typename Scalar>
BlockView<Scalar> Transformer<Scalar>::predict(const Weights<Scalar>& weights,
                                               const ExampleBlock<Scalar>& examples,
                                               Scalar* workspace) const {
  return Pass(*this, weights, examples.inputs.samples, workspace).predict(examples);
}

template <typename Scalar>
double Transformer<Scalar>::loss_and_gradient(const Weights<Scalar>& weights,
                                              const ExampleBlock<Scalar>& examples,
                                              double scale,
                                              Scalar* workspace,
                                              Scalar* gradient) const {
  Pass pass(*this, weights, examples.inputs.samples, workspace);
  return pass.loss_and_gradient(examples, scale, gradient);
}

template <typename Scalar>
void Transformer<Scalar>::losses(const Weights<Scalar>& weights,
                                 const ExampleBlock<Scalar>& examples,
                                 Scalar* workspace,
                                 std::span<double> each) const {
  Pass(*this, weights, examples.inputs.samples, workspace).losses(examples, each);
}

template <typename Scalar>
double Transformer<Scalar>::auxiliary_loss(const Weights<Scalar>& weights,
                                           const ExampleBlock<Scalar>& examples,
                                           Scalar* workspace) const {
  return Pass(*this, weights, examples.inputs.samples, workspace).auxiliary_loss(examples);
}

template <typename Scalar>
void Transformer<Scalar>::count_expert_tokens(const Scalar* workspace,
                                              Index examples,
                                              std::span<Count> tokens) const {
  const Rows<const Scalar> rows = rows_.of(workspace, examples * padded_context());
  std::size_t next = 0;
  for (const Gate* gate : gates()) {
    for (Index e = 0; e < gate->experts(); ++e) tokens[next++] += gate->load(e, rows);
  }
}

template <typename Scalar>
std::vector<double> Transformer<Scalar>::block_rms(const Weights<Scalar>& weights,
                                                   const ExampleBlock<Scalar>& examples,
                                                   Scalar* workspace) const {
  std::vector<double> rms;
  Pass(*this, weights, examples.inputs.samples, workspace).predict(examples, &rms);
  return rms;
}

template class Transformer<float>;
template class Transformer<double>;

}  // namespace einsearch
