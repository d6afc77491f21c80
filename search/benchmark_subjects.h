// The things that a benchmark times, on random numbers. Each is one call on all threads of what a
// training step does: the batch is cut into blocks of samples as in training, and a thread walks
// through its blocks with one set of buffers, which therefore stay in its cache.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compute/parallel.h"
#include "nn/mixture_options.h"
#include "structure/structure.h"

namespace einsearch {

struct Subject {
  std::string name;
  std::string structure = {};   ///< empty: none
  double flops = 0;             ///< of one call, 2 per multiply-accumulate of linear layers
  double elements = 0;          ///< that an element-wise pass goes over
  double bytes = 0;             ///< of memory traffic
  double activation_bytes = 0;  ///< that one thread keeps at a time
  std::function<void()> run = {};
};

/// Sizes that a subject is made for.
struct BenchmarkSize {
  Index width = 0;
  Index batch = 0;
};

/// Samples that walk through a model of this structure together.
Index block_samples(const Structure& structure, Index width);

/// a = b + s c over arrays far larger than any cache.
Subject triad_subject(const Threads& threads);

/// Z = W X for W (4w, w), X (w, batch): gemm with packed weights and in blocks of samples, each of
/// which lies together, as layers do it; gemm_eigen by Eigen, a share of the samples per thread.
std::vector<Subject> gemm_subjects(const BenchmarkSize& size, const Threads& threads);

/// layer_forward, layer_input_gradient and layer_weight_gradient of the two layers w -> 4w -> w of
/// a residual block, without bias and activation.
std::vector<Subject> layer_subjects(const Structure& structure,
                                    const BenchmarkSize& size,
                                    const Threads& threads);

/// gelu, layer_norm, layer_norm_backward and bias_gradient over w x batch numbers, adamw over 4
/// w^2.
Subject elementwise_subject(const std::string& name,
                            const BenchmarkSize& size,
                            const Threads& threads);

/// One update of the residual MLP of the regression task (depth 3, AdamW).
Subject mlp_step_subject(const Structure& structure,
                         const BenchmarkSize& size,
                         const Threads& threads);

/// One update of the character model (depth 3, windows of 128, 96 characters, AdamW) on batch / 128
/// sequences, at least one.
Subject gpt_step_subject(const ModelStructure& structure,
                         const BenchmarkSize& size,
                         const Threads& threads);

}  // namespace einsearch
