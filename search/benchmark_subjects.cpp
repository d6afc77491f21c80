#include "search/benchmark_subjects.h"

#include <algorithm>
#include <cassert>
#include <memory>

#include "compute/elementwise.h"
#include "compute/peak.h"
#include "compute/random_block.h"
#include "nn/linear.h"
#include "nn/mlp.h"
#include "nn/transformer.h"
#include "nn/weights.h"
#include "structure/layer_shape.h"
#include "structure/notation.h"
#include "train/training_state.h"

namespace einsearch {
namespace {

struct Activations : RandomBlock<float> {
  Activations(Index features, Index samples) : RandomBlock<float>(features, samples, 1) {}
};

double bytes_of(const Activations& block) {
  return static_cast<double>(block.memory.size()) * sizeof(float);
}

/// The first samples of a block.
BlockView<float> first(const Activations& block, Index samples) {
  return {block.view.data, block.view.features, samples, block.view.stride};
}

AlignedBuffer<float> normal_numbers(Index size) { return random_values<float>(size, 1); }

/// Calls body(slot, samples) for every block of the batch; a slot is one thread's.
template <typename Body>
void walk_blocks(const Threads& threads, Index batch, Index block, const Body& body) {
  const Index slots = threads.count();
  threads.for_each(slots, [&](Index slot) {
    for (Index first = slot * block; first < batch; first += slots * block)
      body(slot, std::min(block, batch - first));
  });
}

/// A linear layer with its weights, also packed as training packs them.
struct LayerProducts {
  explicit LayerProducts(const LayerShape& shape)
      : linear(layout, "layer", shape, {.has_bias = false}),
        values(normal_numbers(layout.size())),
        weights(packed.pack(layout, values.data(), Threads(1))) {}

  double macs() const { return static_cast<double>(linear.shape().flops) / 2; }  ///< per sample

  ParameterLayout layout;
  Linear linear;
  AlignedBuffer<float> values;
  PackedWeights<float> packed;
  Weights<float> weights;
};

/// x, z and y of a layer, or the gradients by them; a dense layer has no z.
struct LayerBlocks {
  LayerBlocks(const Linear& linear, Index samples)
      : keeps_z(!linear.recomputes_hidden()),
        x(linear.shape().sizes.pad_in(), samples),
        z(linear.hidden_features(), samples),
        y(linear.shape().sizes.pad_out(), samples) {}

  /// What a step reads or makes, of the first samples.
  BlockView<float> source(const Linear::Step& step, Index samples) const {
    const BlockView<float> all = first(step.reads_input ? x : z, samples);
    return all.rows(step.reads_input ? 0 : hidden_row(step), step.product.x_features());
  }
  BlockView<float> target(const Linear::Step& step, Index samples) const {
    const BlockView<float> all = first(step.makes_output ? y : z, samples);
    return all.rows(step.makes_output ? step.output_row : hidden_row(step),
                    step.product.z_features());
  }

  double bytes() const { return bytes_of(x) + bytes_of(z) + bytes_of(y); }

  bool keeps_z;
  Activations x, z, y;

 private:
  Index hidden_row(const Linear::Step& step) const { return keeps_z ? step.hidden_row : 0; }
};

/// One thread's activations and gradients of a layer.
struct LayerBuffers {
  LayerBuffers(const LayerProducts& layer, Index samples)
      : values(layer.linear, samples),
        gradients(layer.linear, samples),
        weight_gradient(layer.layout.size()) {}

  double activation_bytes() const { return values.bytes() + gradients.bytes(); }

  LayerBlocks values, gradients;
  AlignedBuffer<float> weight_gradient;
};

void forward(const LayerProducts& layer,
             const Linear::Step& step,
             const LayerBuffers& b,
             Index samples) {
  products<float>().forward(step.product,
                            layer.weights.of_forward(step.weights),
                            b.values.source(step, samples),
                            b.values.target(step, samples),
                            {});
}

void forward_all(const LayerProducts& layer, const LayerBuffers& b, Index samples) {
  for (Index i = 0; i < layer.linear.steps(); ++i) forward(layer, layer.linear.step(i), b, samples);
}

/// Calls body(step, part) in the order of a backward pass: part by part, each from behind.
template <typename Body>
void walk_back(const Linear& linear, const Body& body) {
  const Index steps_of_part = linear.shape().is_dense ? 1 : 2;
  for (Index part = 0; part * steps_of_part < linear.steps(); ++part) {
    for (Index i = steps_of_part - 1; i >= 0; --i)
      body(linear.step(part * steps_of_part + i), part);
  }
}

void input_gradient(const LayerProducts& layer, const LayerBuffers& b, Index samples) {
  walk_back(layer.linear, [&](const Linear::Step& step, Index part) {
    const bool goes_on = step.reads_input && part > 0;
    products<float>().backward_input(step.product,
                                     layer.weights.of_backward(step.weights),
                                     b.gradients.target(step, samples),
                                     b.gradients.source(step, samples),
                                     {.store = goes_on ? Store::accumulate : Store::overwrite});
  });
}

void weight_gradient(const LayerProducts& layer, LayerBuffers& b, Index samples) {
  walk_back(layer.linear, [&](const Linear::Step& step, Index part) {
    if (layer.linear.recomputes_hidden() && step.makes_output)
      forward(layer, layer.linear.step(2 * part), b, samples);
    products<float>().backward_weight(step.product,
                                      b.gradients.target(step, samples),
                                      b.values.source(step, samples),
                                      b.weight_gradient.data() + step.weights);
  });
}

/// Both layers of a residual block and the buffers of all threads.
struct LayerPair {
  LayerPair(const Structure& structure, Index width, Index samples, int threads)
      : layers{LayerProducts(resolve(structure, width, MlpOptions::kExpansion * width)),
               LayerProducts(resolve(structure, MlpOptions::kExpansion * width, width))} {
    for (int slot = 0; slot < threads; ++slot) {
      for (const LayerProducts& layer : layers) buffers.emplace_back(layer, samples);
    }
  }

  template <typename Pass>
  void run(const Pass& pass, Index slot, Index samples) {
    for (Index i = 0; i < 2; ++i)
      pass(layers[i], buffers[static_cast<std::size_t>(2 * slot + i)], samples);
  }

  LayerProducts layers[2];
  std::vector<LayerBuffers> buffers;  ///< two per thread
};

MlpOptions mlp_options(const Structure& structure, Index width) {
  MlpOptions options;
  options.width = width;
  options.structure = structure;
  return options;
}

/// One thread's buffers of the element-wise passes.
struct PassBuffers {
  PassBuffers(Index features, Index samples)
      : x(features, samples),
        y(features, samples),
        slope(features, samples),
        inverse_deviation(1, samples),
        gain(normal_numbers(features)),
        bias(normal_numbers(features)),
        dgain(features),
        dbias(features) {}

  Activations x, y, slope, inverse_deviation;
  AlignedBuffer<float> gain, bias, dgain, dbias;
};

using Pass = void (*)(PassBuffers&, Index samples);

struct NamedPass {
  std::string_view name;
  double blocks;  ///< of features x samples that it works on
  Pass run;
};

constexpr NamedPass kPasses[] = {
    {"gelu",
     3,
     [](PassBuffers& b, Index n) {
       elementwise<float>().gelu(first(b.x, n), first(b.y, n), first(b.slope, n));
     }},
    {"layer_norm",
     3,
     [](PassBuffers& b, Index n) {
       elementwise<float>().layer_norm(first(b.x, n),
                                       b.gain.data(),
                                       b.bias.data(),
                                       first(b.slope, n),
                                       first(b.inverse_deviation, n),
                                       first(b.y, n));
     }},
    {"layer_norm_backward",
     3,
     [](PassBuffers& b, Index n) {
       elementwise<float>().layer_norm_backward(first(b.slope, n),
                                                first(b.inverse_deviation, n),
                                                b.gain.data(),
                                                first(b.x, n),
                                                first(b.y, n),
                                                Store::accumulate,
                                                b.dgain.data(),
                                                b.dbias.data());
     }},
    {"bias_gradient",
     1,
     [](PassBuffers& b, Index n) {
       elementwise<float>().accumulate_bias_gradient(first(b.x, n), b.dbias.data());
     }},
};

Subject adamw_subject(Index width, const Threads& threads) {
  static constexpr Index kPiece = 1 << 15;
  const Index size = MlpOptions::kExpansion * width * width;
  struct Arrays {
    explicit Arrays(Index n)
        : value(normal_numbers(n)), gradient(normal_numbers(n)), first(n), second(n) {}
    AlignedBuffer<float> value, gradient, first, second;
  };
  const auto arrays = std::make_shared<Arrays>(size);
  Subject subject{.name = "adamw", .elements = static_cast<double>(size)};
  subject.run = [arrays, size, threads, step = Count{0}]() mutable {
    const AdamWStep options{.rate = 1e-4,
                            .decay = 0.01,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .epsilon = 1e-8,
                            .step = ++step,
                            .gradient_scale = 1};
    threads.for_each((size + kPiece - 1) / kPiece, [&](Index piece) {
      const Index from = piece * kPiece;
      elementwise<float>().adamw(options,
                                 std::min(kPiece, size - from),
                                 arrays->value.data() + from,
                                 arrays->gradient.data() + from,
                                 arrays->first.data() + from,
                                 arrays->second.data() + from);
    });
  };
  return subject;
}

}  // namespace

Index block_samples(const Structure& structure, Index width) {
  return Mlp<float>(mlp_options(structure, width)).block_samples();
}

Subject triad_subject(const Threads& threads) {
  static constexpr Index kSize = Index{1} << 24;  // 192 MiB in three arrays
  static constexpr Index kPiece = 1 << 16;
  const auto arrays = std::make_shared<AlignedBuffer<float>>(3 * kSize);
  std::fill_n(arrays->data(), 3 * kSize, 1.0f);
  Subject subject{.name = "bandwidth", .bytes = 3.0 * kSize * sizeof(float)};
  subject.run = [arrays, threads] {
    threads.for_each(kSize / kPiece, [&](Index piece) {
      float* a = arrays->data() + piece * kPiece;
      peak_kernels().triad(0.5f, a + kSize, a + 2 * kSize, a, kPiece);
    });
  };
  return subject;
}

std::vector<Subject> gemm_subjects(const BenchmarkSize& size, const Threads& threads) {
  const Index width = size.width, wide = MlpOptions::kExpansion * width;
  struct Matrices {
    Matrices(Index rows, Index inner, Index samples)
        : product(dense_product(rows, inner)),
          w(normal_numbers(rows * inner)),
          packed(rows * inner),
          x(inner, samples),
          z(rows, samples) {
      pack_forward(product, w.data(), packed.data());
    }
    /// Samples from `first` on, which lie together.
    static BlockView<float> part(BlockView<float> all, Index first, Index samples) {
      return {all.row(0) + first * all.features, all.features, samples, padded_samples(samples)};
    }
    BatchedProduct product;
    AlignedBuffer<float> w, packed;
    Activations x, z;
  };
  const auto m = std::make_shared<Matrices>(wide, width, size.batch);
  const auto subject = [&](const char* name, Index block, const auto& multiply) {
    return Subject{.name = name,
                   .flops = 2.0 * static_cast<double>(wide * width * size.batch),
                   .activation_bytes = bytes_of(m->x) + bytes_of(m->z),
                   .run = [m, threads, block, multiply, batch = size.batch] {
                     threads.for_each((batch + block - 1) / block, [&](Index i) {
                       const Index first = i * block, samples = std::min(block, batch - first);
                       multiply(*m,
                                Matrices::part(m->x.view, first, samples),
                                Matrices::part(m->z.view, first, samples));
                     });
                   }};
  };
  const Index share = padded_samples((size.batch + threads.count() - 1) / threads.count());
  return {subject("gemm",
                  block_samples(parse_structure("dense"), width),
                  [](const Matrices& a, BlockView<float> x, BlockView<float> z) {
                    products<float>().forward(a.product, {a.w.data(), a.packed.data()}, x, z, {});
                  }),
          subject("gemm_eigen",
                  share,
                  [wide, width](const Matrices& a, BlockView<float> x, BlockView<float> z) {
                    peak_kernels().eigen_gemm({a.w.data(), wide, width, width, 1}, x, z);
                  })};
}

std::vector<Subject> layer_subjects(const Structure& structure,
                                    const BenchmarkSize& size,
                                    const Threads& threads) {
  const Index block = std::min(block_samples(structure, size.width), size.batch);
  const auto pair = std::make_shared<LayerPair>(structure, size.width, block, threads.count());
  const double macs = pair->layers[0].macs() + pair->layers[1].macs();
  const double bytes = pair->buffers[0].activation_bytes() + pair->buffers[1].activation_bytes();
  const auto subject = [&](const char* part, const auto& pass) {
    return Subject{.name = part,
                   .structure = structure.name,
                   .flops = 2 * macs * static_cast<double>(size.batch),
                   .activation_bytes = bytes,
                   .run = [pair, threads, batch = size.batch, block, pass] {
                     walk_blocks(threads, batch, block, [&](Index slot, Index samples) {
                       pair->run(pass, slot, samples);
                     });
                   }};
  };
  return {subject("layer_forward", forward_all),
          subject("layer_input_gradient", input_gradient),
          subject("layer_weight_gradient", weight_gradient)};
}

Subject elementwise_subject(const std::string& name,
                            const BenchmarkSize& size,
                            const Threads& threads) {
  if (name == "adamw") return adamw_subject(size.width, threads);
  const auto* pass = std::find_if(
      std::begin(kPasses), std::end(kPasses), [&](const NamedPass& p) { return p.name == name; });
  assert(pass != std::end(kPasses));
  const Index block = std::min(block_samples(parse_structure("dense"), size.width), size.batch);
  const auto buffers = std::make_shared<std::vector<PassBuffers>>();
  for (int slot = 0; slot < threads.count(); ++slot) buffers->emplace_back(size.width, block);
  return {.name = name,
          .elements = static_cast<double>(size.width * size.batch),
          .activation_bytes = pass->blocks * bytes_of(buffers->front().x),
          .run = [buffers, threads, batch = size.batch, block, run = pass->run] {
            walk_blocks(threads, batch, block, [&](Index slot, Index samples) {
              run((*buffers)[static_cast<std::size_t>(slot)], samples);
            });
          }};
}

Subject mlp_step_subject(const Structure& structure,
                         const BenchmarkSize& size,
                         const Threads& threads) {
  struct Training {
    Training(const MlpOptions& options, Index batch, const Threads& on)
        : model(options),
          state(model, initial_values<float>(model.parameters(), 0), OptimizerOptions{}, on),
          inputs(options.inputs, batch),
          targets(options.outputs, batch) {}
    Mlp<float> model;
    TrainingState<float> state;
    Activations inputs, targets;
  };
  constexpr double kRate = 1e-4, kNormFlops = 10;
  const MlpOptions options = mlp_options(structure, size.width);
  const auto training = std::make_shared<Training>(options, size.batch, threads);
  const double norms = kNormFlops * static_cast<double>((options.depth + 1) * size.width);
  const Index block = std::min(training->model.block_samples(), size.batch);
  const Index numbers = training->model.workspace_size(block);
  return {
      .name = "mlp_step",
      .structure = structure.name,
      .flops = 3 * (training->model.flops_per_example() - norms) * static_cast<double>(size.batch),
      .activation_bytes = static_cast<double>(numbers) * sizeof(float),
      .run = [training] {
        training->state.update({training->inputs.view, training->targets.view}, kRate);
      }};
}

/// Initial values of a model whose gates, which start at zero, already spread tokens over experts.
AlignedBuffer<float> values_with_open_gates(const ParameterLayout& layout) {
  AlignedBuffer<float> values = initial_values<float>(layout, 0);
  for (const ParameterInfo& tensor : layout.tensors()) {
    if (!tensor.name.ends_with("gate.weight")) continue;
    const AlignedBuffer<float> open = normal_numbers(tensor.size);
    std::copy_n(open.data(), tensor.size, values.data() + tensor.offset);
  }
  return values;
}

Subject gpt_step_subject(const ModelStructure& structure,
                         const BenchmarkSize& size,
                         const Threads& threads) {
  struct Training {
    Training(const GptOptions& options, Index sequences, const Threads& on)
        : model(transformer_options(options)),
          state(model, values_with_open_gates(model.parameters()), {.beta2 = 0.95, .clip = 1}, on),
          tokens(options.context, sequences) {
      for (Index t = 0; t < options.context; ++t) {
        for (Index s = 0; s < sequences; ++s)
          tokens.view.row(t)[s] = static_cast<float>((t * 7 + s * 13) % options.vocabulary);
      }
    }
    Transformer<float> model;
    TrainingState<float> state;
    Activations tokens;
  };
  constexpr double kRate = 1e-4, kNormFlops = 10;
  GptOptions options;
  options.width = size.width;
  options.structure = structure.structure;
  options.mixture = structure.mixture;
  const Index sequences = std::max<Index>(1, size.batch / options.context);
  const auto training = std::make_shared<Training>(options, sequences, threads);
  const double norms =
      kNormFlops * static_cast<double>((4 * options.depth + 1) * size.width * options.context);
  const Index block = std::min(training->model.block_samples(), sequences);
  const Index numbers = training->model.workspace_size(block);
  return {
      .name = "gpt_step",
      .structure = structure.name(),
      .flops = 3 * (training->model.flops_per_example() - norms) * static_cast<double>(sequences),
      .activation_bytes = static_cast<double>(numbers) * sizeof(float),
      .run = [training] {
        training->state.update({training->tokens.view, training->tokens.view}, kRate);
      }};
}

}  // namespace einsearch
