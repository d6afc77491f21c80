#include "search/benchmark_subjects.h"

#include <algorithm>
#include <cassert>
#include <memory>

#include "compute/contraction.h"
#include "compute/elementwise.h"
#include "compute/peak.h"
#include "compute/random_block.h"
#include "nn/mlp.h"
#include "nn/transformer.h"
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

/// One product of a layer: from rows of the block in front of it to rows of the block behind it.
struct LayerStep {
  BatchedProduct product;
  std::size_t block = 0;       ///< of x, in front
  Index weights = 0;           ///< where they start
  Index x_row = 0, z_row = 0;  ///< the first ones
};

/// What a linear layer multiplies: one product, or the two of a contraction part by part.
struct LayerProducts {
  explicit LayerProducts(const LayerShape& shape) {
    if (shape.is_dense) {
      const BatchedProduct product = dense_product(shape.d_out, shape.d_in);
      parts = {{{.product = product}}};
      add(product);
      return;
    }
    const TwoFactorContraction steps = two_factor_contraction(shape.sizes, shape.order);
    recomputes_z = steps.recomputes_z();
    for (Index i = 0; i < steps.parts(); ++i) {
      const TwoFactorContraction::Part part = steps.part(i);
      const Index z_row = recomputes_z ? 0 : part.z_row;
      parts.push_back({{.product = part.first, .weights = part.first_weights, .z_row = z_row},
                       {.product = part.second,
                        .block = 1,
                        .weights = part.second_weights,
                        .x_row = z_row,
                        .z_row = part.y_row}});
    }
    add(steps.first);
    add(steps.second);
  }

  std::vector<std::vector<LayerStep>> parts;
  std::vector<BatchedProduct> products;
  std::vector<AlignedBuffer<float>> weights;
  std::vector<AlignedBuffer<float>> packed_forward, packed_backward;  ///< as training packs them
  double macs = 0;                                                    ///< per sample
  bool recomputes_z = false;

 private:
  void add(const BatchedProduct& product) {
    const Index size = product.batches * product.rows * product.inner;
    products.push_back(product);
    weights.push_back(normal_numbers(size));
    packed_forward.emplace_back(size);
    packed_backward.emplace_back(size);
    pack_forward(product, weights.back().data(), packed_forward.back().data());
    pack_backward(product, weights.back().data(), packed_backward.back().data());
    macs += static_cast<double>(size * product.rides);
  }
};

/// One thread's activations and gradients of a layer: x, (z,) y and the gradients by them.
struct LayerBuffers {
  LayerBuffers(const LayerProducts& layer, Index samples) {
    x.emplace_back(layer.products.front().x_features(), samples);
    dx.emplace_back(layer.products.front().x_features(), samples);
    for (std::size_t i = 0; i < layer.products.size(); ++i) {
      x.emplace_back(layer.products[i].z_features(), samples);
      dx.emplace_back(layer.products[i].z_features(), samples);
      dw.emplace_back(layer.weights[i].size());
    }
  }

  double activation_bytes() const {
    double sum = 0;
    for (const Activations& block : x) sum += 2 * bytes_of(block);
    return sum;
  }

  std::vector<Activations> x, dx;  ///< before the first product, after it, ...
  std::vector<AlignedBuffer<float>> dw;
};

/// What a step reads or writes, of the first samples.
BlockView<float> in_front(const std::vector<Activations>& x, const LayerStep& step, Index samples) {
  return first(x[step.block], samples).rows(step.x_row, step.product.x_features());
}
BlockView<float> behind(const std::vector<Activations>& x, const LayerStep& step, Index samples) {
  return first(x[step.block + 1], samples).rows(step.z_row, step.product.z_features());
}

void forward(const LayerProducts& layer,
             const LayerStep& step,
             const LayerBuffers& b,
             Index samples) {
  products<float>().forward(step.product,
                            {layer.weights[step.block].data() + step.weights,
                             layer.packed_forward[step.block].data() + step.weights},
                            in_front(b.x, step, samples),
                            behind(b.x, step, samples),
                            {});
}

void forward_all(const LayerProducts& layer, const LayerBuffers& b, Index samples) {
  for (const std::vector<LayerStep>& part : layer.parts) {
    for (const LayerStep& step : part) forward(layer, step, b, samples);
  }
}

void input_gradient(const LayerProducts& layer, const LayerBuffers& b, Index samples) {
  for (std::size_t i = 0; i < layer.parts.size(); ++i) {
    for (auto step = layer.parts[i].rbegin(); step != layer.parts[i].rend(); ++step) {
      const bool goes_on = step->block == 0 && i > 0;
      products<float>().backward_input(step->product,
                                       {layer.weights[step->block].data() + step->weights,
                                        layer.packed_backward[step->block].data() + step->weights},
                                       behind(b.dx, *step, samples),
                                       in_front(b.dx, *step, samples),
                                       {.store = goes_on ? Store::accumulate : Store::overwrite});
    }
  }
}

void weight_gradient(const LayerProducts& layer, LayerBuffers& b, Index samples) {
  for (const std::vector<LayerStep>& part : layer.parts) {
    if (layer.recomputes_z) forward(layer, part.front(), b, samples);
    for (auto step = part.rbegin(); step != part.rend(); ++step) {
      products<float>().backward_weight(step->product,
                                        behind(b.dx, *step, samples),
                                        in_front(b.x, *step, samples),
                                        b.dw[step->block].data() + step->weights);
    }
  }
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
  const double macs = pair->layers[0].macs + pair->layers[1].macs;
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
